"""Statements 112-124: Flows that collect Flows."""

from __future__ import annotations

from typing import Any

from tams.conformance.server import Json, Server, ensure, flow_body, new_id, query, same
from tams.conformance.statements import statement


def _items(*flows: dict[str, Any]) -> list[dict[str, str]]:
    return [{"id": flow["id"]} for flow in flows]


async def _collectors(server: Server, flow: dict[str, Any]) -> list[str]:
    """Who collects the Flow, as it says itself."""
    return sorted((await server.read(f"/flows/{flow['id']}")).get("collected_by", []))


@statement(112, "I")
async def check_112_a_collection_keeps_its_order(server: Server) -> None:
    """A collection is given back in the order in which it was put, in the Flow and by itself."""
    members = [await server.flow("audio") for _ in range(4)]
    collector = await server.flow("multi")
    path = f"/flows/{collector['id']}"
    for order in ([2, 0, 3, 1], [1, 3, 0, 2]):
        collection = _items(*(members[i] for i in order))
        await server.set(f"{path}/flow_collection", collection)
        same(await server.read(f"{path}/flow_collection"), collection, "collection by itself")
        same((await server.read(path))["flow_collection"], collection, "collection of the Flow")


@statement(113, "M")
async def check_113_a_collected_flow_needs_its_id_only(server: Server) -> None:
    """An item needs an id; role and mapping into the container may be added and come back."""
    members = [await server.flow("audio") for _ in range(3)]
    collection: list[dict[str, Json]] = [
        {"id": members[0]["id"]},
        {"id": members[1]["id"], "role": "left"},
        {"id": members[2]["id"], "container_mapping": {"mp2ts_container": {"pid": 256}}},
    ]
    collector = await server.flow("multi", flow_collection=collection)
    path = f"/flows/{collector['id']}/flow_collection"
    same(await server.read(path), collection, "collection")
    wrong: list[Json] = [[{"role": "left"}], [{**collection[0], "role": 5}], [members[0]["id"]], {}]
    for refused in wrong:
        (await server.put(path, refused)).is_status(400)
    same(await server.read(path), collection, "collection after refusals")


async def _refuses(server: Server, collection: Json) -> None:
    """Neither a new Flow nor an existing one takes the collection."""
    body = flow_body("multi", flow_collection=collection)
    (await server.put(f"/flows/{body['id']}", body)).is_status(400)
    path = f"/flows/{(await server.flow('multi'))['id']}/flow_collection"
    (await server.put(path, collection)).is_status(400)
    same(await server.read(path), [], "collection after the refusal")


@statement(114, "M")
async def check_114_only_flows_are_collected(server: Server) -> None:
    """The id of a Source is none of a Flow: it cannot be collected."""
    member = await server.flow()
    await _refuses(server, [{"id": member["source_id"]}])


@statement(115, "I")
async def check_115_collected_flows_exist(server: Server) -> None:
    """A Flow that is not there cannot be collected, not even beside one that is."""
    member = await server.flow()
    await _refuses(server, [{"id": new_id()}])
    await _refuses(server, [*_items(member), {"id": new_id()}])
    same(await _collectors(server, member), [], "collected_by")


@statement(116, "I")
async def check_116_members_know_their_collectors(server: Server) -> None:
    """A Flow names who collects it, until it leaves the collection or the collector is deleted."""
    member, other = await server.flow(), await server.flow()
    first = await server.flow("multi", flow_collection=_items(member, other))
    second = await server.flow("multi", flow_collection=_items(member))
    both = sorted([first["id"], second["id"]])
    same(await _collectors(server, member), both, "collected_by both")
    same(await _collectors(server, other), [first["id"]], "collected_by of the other")
    await server.set(f"/flows/{first['id']}/flow_collection", _items(other))
    same(await _collectors(server, member), [second["id"]], "collected_by after leaving")
    (await server.delete(f"/flows/{second['id']}")).is_status(202, 204)
    same(await _collectors(server, member), [], "collected_by after the collector's deletion")


@statement(117, "S")
async def check_117_a_conflicting_collection_is_refused(server: Server) -> None:
    """A collection that contradicts another Flow of the same Source is refused."""
    left, right = await server.flow("audio"), await server.flow("audio")
    collection = [{"id": left["id"], "role": "left"}, {"id": right["id"], "role": "right"}]
    first = await server.flow("multi", flow_collection=collection)
    second = await server.flow("multi", source_id=first["source_id"])
    path = f"/flows/{second['id']}/flow_collection"
    renamed = [{**collection[0], "role": "centre"}, collection[1]]
    for wrong in (collection[::-1], renamed):
        (await server.put(path, wrong)).is_status(400)
        same(await server.read(path), [], "collection after the refusal")
    await server.set(path, collection)


@statement(118, "I")
async def check_118_a_collection_can_be_removed(server: Server) -> None:
    """Without its collection a Flow collects nothing, and its members know it."""
    member = await server.flow()
    collector = await server.flow("multi", flow_collection=_items(member))
    path = f"/flows/{collector['id']}"
    await server.unset(f"{path}/flow_collection")
    same(await server.read(f"{path}/flow_collection"), [], "collection")
    ensure(not (await server.read(path)).get("flow_collection"), "the Flow still collects")
    same(await _collectors(server, member), [], "collected_by")


@statement(119, "D")
async def check_119_a_deleted_flow_leaves_its_collectors(server: Server) -> None:
    """Deleting a collected Flow takes it out of every collection."""
    member, other = await server.flow(), await server.flow()
    collectors = [
        await server.flow("multi", flow_collection=_items(*order))
        for order in ((member, other), (other, member))
    ]
    (await server.delete(f"/flows/{member['id']}")).is_status(202, 204)
    for collector in collectors:
        found = await server.read(f"/flows/{collector['id']}/flow_collection")
        same(found, _items(other), "collection")
        source = await server.read(f"/sources/{collector['source_id']}")
        same(source["source_collection"], [{"id": other["source_id"]}], "source_collection")


@statement(120, "D")
async def check_120_no_flow_collects_itself(server: Server) -> None:
    """A Flow cannot collect itself, directly or through the Flows that it collects."""
    body = flow_body("multi")
    itself = {**body, "flow_collection": _items(body)}
    (await server.put(f"/flows/{body['id']}", itself)).is_status(400)
    bottom = await server.flow("multi")
    middle = await server.flow("multi", flow_collection=_items(bottom))
    top = await server.flow("multi", flow_collection=_items(middle))
    path = f"/flows/{bottom['id']}/flow_collection"
    for above in (bottom, middle, top):
        (await server.put(path, _items(above))).is_status(400)
    same(await server.read(path), [], "collection after the refusals")


@statement(121, "I")
async def check_121_a_flow_of_any_format_may_collect(server: Server) -> None:
    """Collecting is not a privilege of multi Flows."""
    member = await server.flow("data")
    collectors = []
    for kind in ("video", "audio", "image", "data", "multi"):
        collector = await server.flow(kind, flow_collection=_items(member))
        same(collector["flow_collection"], _items(member), f"collection of the {kind} Flow")
        collectors.append(collector["id"])
    same(await _collectors(server, member), sorted(collectors), "collected_by")


@statement(122, "I")
async def check_122_members_of_collections_are_listed(server: Server) -> None:
    """What any of several collectors collects can be listed; unknown collectors collect nothing."""
    members = [await server.flow() for _ in range(3)]
    collectors = [
        await server.flow("multi", flow_collection=_items(*members[i : i + 2])) for i in range(2)
    ]
    for path, name in (("/flows", "id"), ("/sources", "source_id")):
        first, second = [collector[name] for collector in collectors]
        expected = {
            first: members[:2],
            f"{first},{second}": members,
            f"{new_id()},{second}": members[1:],
            new_id(): [],
        }
        for asked, flows in expected.items():
            found = await server.ids(path, collected_by_ids=asked)
            same(sorted(found), sorted(flow[name] for flow in flows), f"{path} collected by")


@statement(123, "I")
async def check_123_what_nothing_collects_is_listed(server: Server) -> None:
    """The filter by collectors, present and empty, lists what nothing collects."""
    label = new_id()
    member = await server.flow(label=label)
    collector = await server.flow("multi", label=label, flow_collection=_items(member))
    found = await server.ids("/flows", label=label, collected_by_ids="")
    same(found, [collector["id"]], "Flows that nothing collects")
    for flow in (member, collector):
        await server.set(f"/sources/{flow['source_id']}/label", label)
    found = await server.ids("/sources", label=label, collected_by_ids="")
    same(found, [collector["source_id"]], "Sources that nothing collects")


@statement(124, "I")
async def check_124_collectors_are_named_by_a_list_of_ids(server: Server) -> None:
    """Without the filter all are listed; its value is a list of UUIDs or it is refused."""
    label = new_id()
    member = await server.flow(label=label)
    collector = await server.flow("multi", label=label, flow_collection=_items(member))
    found = await server.ids("/flows", label=label)
    same(sorted(found), sorted([member["id"], collector["id"]]), "Flows without the filter")
    one = new_id()
    for wrong in ("flow", f"{one},", f",{one}", f"{one},flow", f"{one} {one}", one.upper()):
        for path in ("/flows", "/sources"):
            (await server.get(path + query(collected_by_ids=wrong))).is_status(400)
