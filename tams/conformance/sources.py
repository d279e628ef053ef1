"""Statements 41-51: Sources, which come and go with their Flows."""

from __future__ import annotations

from tams.conformance.server import Json, Server, ensure, flow_body, new_id, same
from tams.conformance.statements import statement
from tams.conformance.times import is_instant

LONG_AGO = "2001-01-01T00:00:00Z"


@statement(41, "I")
async def check_041_a_source_comes_with_its_first_flow(server: Server) -> None:
    """A Source exists from its first Flow on, with that Flow's format; nobody writes it itself."""
    body = flow_body("audio")
    path = f"/sources/{body['source_id']}"
    (await server.get(path)).is_status(404)
    (await server.put(f"/flows/{body['id']}", body)).is_status(201)
    source = await server.read(path)
    same(source["id"], body["source_id"], "id")
    same(source["format"], body["format"], "format")
    deletable = await server.offers("soft-deletion")
    for method in ("POST", "PUT") if deletable else ("POST", "PUT", "DELETE"):
        (await server.request(method, path, source)).is_status(405)


@statement(42, "I")
async def check_042_a_source_goes_with_its_last_flow(server: Server) -> None:
    """A Source stays while one of its Flows does, and is unknown after the last is deleted."""
    first = await server.flow()
    second = await server.flow(source_id=first["source_id"])
    path = f"/sources/{first['source_id']}"
    (await server.delete(f"/flows/{first['id']}")).is_status(202, 204)
    (await server.get(path)).is_status(200)
    (await server.delete(f"/flows/{second['id']}")).is_status(202, 204)
    (await server.get(path)).is_status(404)


@statement(43, "Y")
async def check_043_a_new_source_takes_the_words_of_its_flow(server: Server) -> None:
    """A new Source starts with its first Flow's label, description and tags, then lives alone."""
    words: dict[str, Json] = {
        "label": new_id(),
        "description": "as filmed",
        "tags": {"colour": ["red", "blue"]},
    }
    flow = await server.flow(**words)
    path = f"/sources/{flow['source_id']}"
    source = await server.read(path)
    same({name: source.get(name) for name in words}, words, "words of the Source")
    await server.set(f"/flows/{flow['id']}/label", "changed")
    await server.set(f"/flows/{flow['id']}/tags/colour", "green")
    same(await server.read(path), source, "the Source after its Flow was renamed")


@statement(44, "I")
async def check_044_tags_label_and_description_of_a_source_are_writable(server: Server) -> None:
    """Of a Source, single tags, the label and the description can be set and removed, no more."""
    path = f"/sources/{(await server.flow())['source_id']}"
    for name in ("label", "description", "tags/colour"):
        await server.set(f"{path}/{name}", "red")
        same(await server.read(f"{path}/{name}"), "red", name)
        await server.unset(f"{path}/{name}")
    ours = {"whole-tags": "tags", "collections": "source_collection"}
    taken = [name for extension, name in ours.items() if await server.offers(extension)]
    for name in {"format", "tags", "source_collection", "collected_by"} - {*taken}:
        (await server.put(f"{path}/{name}", {})).is_status(404, 405)
        (await server.delete(f"{path}/{name}")).is_status(404, 405)


@statement(45, "S")
async def check_045_the_server_keeps_times_and_authors_of_a_source(server: Server) -> None:
    """Who made a Source and when is for the server to say: later Flows do not alter it."""
    flow = await server.flow(created=LONG_AGO, updated=LONG_AGO)
    path = f"/sources/{flow['source_id']}"
    before = await server.read(path)
    for name in ("created", "updated"):
        ensure(is_instant(before.get(name)), f"{name} is {before.get(name)!r}")
        ensure(not before[name].startswith("2001"), f"{name} was taken from the client")
    await server.later()
    await server.flow(source_id=flow["source_id"], created=LONG_AGO, created_by=new_id())
    await server.set(f"{path}/label", "changed")
    after = await server.read(path)
    for name in ("created", "created_by"):
        same(after.get(name), before.get(name), name)
    same(after.get("updated_by"), before.get("created_by"), "author of our change")


@statement(46, "S")
async def check_046_collections_of_sources_are_derived(server: Server) -> None:
    """What a Source collects follows from its Flows' collections, not from what a client claims."""
    claimed = [new_id()]
    member = await server.flow(collected_by=claimed, source_collection=[{"id": claimed[0]}])
    path = f"/sources/{member['source_id']}"
    source = await server.read(path)
    ensure(not source.get("collected_by"), f"claims were believed: {source!r}")
    ensure(not source.get("source_collection"), f"claims were believed: {source!r}")
    collector = await server.flow("multi", flow_collection=[{"id": member["id"]}])
    same((await server.read(path))["collected_by"], [collector["source_id"]], "collected_by")
    above = await server.read(f"/sources/{collector['source_id']}")
    same(above["source_collection"], [{"id": member["source_id"]}], "source_collection")


@statement(47, "I")
async def check_047_a_source_collection_keeps_order_and_roles(server: Server) -> None:
    """Sources are collected in the order and roles in which their Flows are."""
    members = [await server.flow("audio") for _ in range(4)]
    roles = ["left", "right", "left", "centre"]
    for order in ([2, 0, 3, 1], [1, 3, 0, 2]):
        collection = [{"id": members[i]["id"], "role": roles[i]} for i in order]
        collector = await server.flow("multi", flow_collection=collection)
        source = await server.read(f"/sources/{collector['source_id']}")
        expected = [{"id": members[i]["source_id"], "role": roles[i]} for i in order]
        same(source["source_collection"], expected, "source_collection")


@statement(48, "I")
async def check_048_a_source_is_updated_by_its_words(server: Server) -> None:
    """Changing label, description or a tag of a Source moves its time of update, not its birth."""
    path = f"/sources/{(await server.flow())['source_id']}"
    before = await server.read(path)
    for name in ("label", "description", "tags/colour"):
        for method, value in (("PUT", "red"), ("DELETE", None)):
            await server.later()
            (await server.request(method, f"{path}/{name}", value)).is_status(204)
            after = await server.read(path)
            ensure(after["updated"] != before["updated"], f"{name} did not move `updated`")
            same(after["created"], before["created"], "created")
            before = after


@statement(49, "D")
async def check_049_collecting_updates_both_sources(server: Server) -> None:
    """A changed collection updates the collecting Source and those that joined or left."""
    member, collector = await server.flow(), await server.flow("multi")
    path = f"/flows/{collector['id']}/flow_collection"
    sources = [f"/sources/{flow['source_id']}" for flow in (member, collector)]
    before = [(await server.read(source))["updated"] for source in sources]
    for collection in ([{"id": member["id"]}], []):
        await server.later()
        await server.set(path, collection)
        after = [(await server.read(source))["updated"] for source in sources]
        for old, new in zip(before, after, strict=True):
            ensure(old != new, f"`updated` stayed {old} when the collection became {collection!r}")
        before = after


@statement(50, "I")
async def check_050_sources_are_filtered(server: Server) -> None:
    """Sources are listed by label, format, tags and what collects them, all conditions together."""
    member = await server.flow("audio")
    collector = await server.flow("multi", flow_collection=[{"id": member["id"]}])
    label, tag = new_id(), new_id()
    path = f"/sources/{member['source_id']}"
    await server.set(f"{path}/label", label)
    await server.set(f"{path}/tags/{tag}", "red")
    fitting = {
        "label": label,
        "format": member["format"],
        f"tag.{tag}": "red",
        f"tag_exists.{tag}": "true",
        "collected_by_ids": collector["source_id"],
    }
    others = [label[:-1], collector["format"], "blue", "false", new_id()]
    same(await server.ids("/sources", fitting), [member["source_id"]], "Sources that fit")
    for name, other in zip(fitting, others, strict=True):
        same(
            await server.ids("/sources", {name: fitting[name], "label": label}),
            [member["source_id"]],
            f"Sources by {name}",
        )
        same(await server.ids("/sources", {**fitting, name: other}), [], f"{name} of another")


@statement(51, "I")
async def check_051_flows_of_a_source_share_its_format(server: Server) -> None:
    """A Flow of another format cannot join a Source."""
    flow = await server.flow("video")
    other = flow_body("audio", source_id=flow["source_id"])
    (await server.put(f"/flows/{other['id']}", other)).is_status(400)
    (await server.get(f"/flows/{other['id']}")).is_status(404)
    same((await server.read(f"/sources/{flow['source_id']}"))["format"], flow["format"], "format")
