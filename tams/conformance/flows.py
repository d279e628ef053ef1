"""Statements 52-65 and 73-78: creating and replacing Flows."""

from __future__ import annotations

import uuid

from tams.conformance.server import Json, Server, ensure, flow_body, new_id, same
from tams.conformance.statements import statement
from tams.conformance.times import is_instant

LONG_AGO = "2001-01-01T00:00:00Z"


async def _refuses(server: Server, body: dict[str, Json]) -> None:
    path = f"/flows/{body['id']}"
    (await server.put(path, body)).is_status(400)
    (await server.get(path)).is_status(404)


@statement(52, "I")
async def check_052_the_first_put_creates_and_later_ones_replace(server: Server) -> None:
    """The first PUT answers 201 with the Flow, each later one 204 with nothing."""
    body = flow_body(label="first")
    path = f"/flows/{body['id']}"
    created = (await server.put(path, body)).is_status(201).json
    for name in ("id", "source_id", "format", "codec", "container", "label"):
        same(created.get(name), body[name], f"{name} in the answer")
    replaced = (await server.put(path, {**body, "label": "second"})).is_status(204)
    same(replaced.body, b"", "body of the 204")
    same((await server.read(path))["label"], "second", "label")


@statement(53, "I")
async def check_053_the_body_names_the_flow_of_the_path(server: Server) -> None:
    """A body whose id is another than the path's is refused, and neither Flow comes to be."""
    body, other = flow_body(), new_id()
    (await server.put(f"/flows/{other}", body)).is_status(400)
    for flow_id in (other, body["id"]):
        (await server.get(f"/flows/{flow_id}")).is_status(404)


@statement(54, "I")
async def check_054_a_malformed_flow_id_is_not_found(server: Server) -> None:
    """A path id must be a lower-case UUID of version 1 to 5; otherwise there is no such Flow."""
    await server.flow(id=str(uuid.uuid5(uuid.NAMESPACE_URL, new_id())))
    version_7, upper = "0199d1c0-0f5c-7d3e-8a55-1f6d7c1b2a30", new_id().upper()
    for wrong in ("flow", upper, version_7, f"%7B{new_id()}%7D", new_id().replace("-", "")):
        (await server.put(f"/flows/{wrong}", flow_body(id=wrong))).is_status(404)
        (await server.get(f"/flows/{wrong}")).is_status(404)


@statement(55, "M")
async def check_055_flows_need_what_tells_their_essence(server: Server) -> None:
    """Ids and format are always needed; codec and parameters too, except for multi Flows."""
    for kind in ("video", "audio", "image", "data"):
        for name in ("source_id", "format", "codec", "essence_parameters"):
            await _refuses(server, flow_body(kind, **{name: None}))
    for name in ("source_id", "format"):
        await _refuses(server, flow_body("multi", **{name: None}))
    (await server.put(f"/flows/{new_id()}", flow_body("multi", id=None))).is_status(400)
    multi = flow_body("multi")
    same(set(multi), {"id", "source_id", "format"}, "fields of the smallest Flow")
    (await server.put(f"/flows/{multi['id']}", multi)).is_status(201)


@statement(56, "M")
async def check_056_a_video_flow_has_a_frame_rate_or_a_variable_one(server: Server) -> None:
    """Video states its frame rate, or that it varies, but not both."""
    size = {"frame_width": 1920, "frame_height": 1080}
    rate = {"frame_rate": {"numerator": 30000, "denominator": 1001}}
    for fine in ({**size, **rate}, {**size, **rate, "vfr": False}, {**size, "vfr": True}):
        found = (await server.flow(essence_parameters=fine))["essence_parameters"]
        same(found.get("frame_rate"), fine.get("frame_rate"), "frame_rate")
        same(found.get("vfr", False), fine.get("vfr", False), "vfr")
    for wrong in (size, {**size, "vfr": False}, {**size, **rate, "vfr": True}):
        await _refuses(server, flow_body(essence_parameters=wrong))


@statement(57, "I")
async def check_057_denominators_default_to_one(server: Server) -> None:
    """Rates and durations are fractions above zero whose denominator is one unless given."""
    size = {"frame_width": 1920, "frame_height": 1080}
    flow = await server.flow(
        segment_duration={"numerator": 2},
        essence_parameters={**size, "frame_rate": {"numerator": 25}},
    )
    for fraction in (flow["segment_duration"], flow["essence_parameters"]["frame_rate"]):
        same(fraction.get("denominator", 1), 1, "denominator")
    wrong: list[Json] = [{"numerator": 0}, {"numerator": -1}, {"numerator": 2, "denominator": 0}]
    for fraction in wrong:
        await _refuses(server, flow_body(segment_duration=fraction))
        rate = {**size, "frame_rate": fraction}
        await _refuses(server, flow_body(essence_parameters=rate))


@statement(58, "M")
async def check_058_unknown_keys_are_refused_in_essence_parameters_only(server: Server) -> None:
    """An unknown essence parameter is refused; an unknown key beside it is passed over."""
    for kind in ("video", "audio", "image", "data"):
        parameters = {**flow_body(kind)["essence_parameters"], "smell": "sweet"}
        await _refuses(server, flow_body(kind, essence_parameters=parameters))
    await _refuses(server, flow_body("multi", essence_parameters={"smell": "sweet"}))
    flow = await server.flow(smell="sweet")
    ensure("smell" not in flow, "the unknown key was stored")


@statement(59, "M")
async def check_059_images_have_no_init_segments(server: Server) -> None:
    """Whether there are init segments cannot be said of an image Flow."""
    for value in (True, False):
        parameters = {"frame_width": 640, "frame_height": 360, "init_segments": value}
        await _refuses(server, flow_body("image", essence_parameters=parameters))


@statement(60, "M")
async def check_060_the_timerange_of_a_flow_is_not_put(server: Server) -> None:
    """The server alone knows the timerange of a Flow: one in a PUT changes nothing."""
    body = flow_body(timerange="[0:0_100:0)")
    path = f"/flows/{body['id']}"
    created = (await server.put(path, body)).is_status(201).json
    ensure(created.get("timerange", "()") == "()", f"the answer claims {created!r}")
    same((await server.read(f"{path}?include_timerange=true"))["timerange"], "()", "timerange")
    await server.segment(body["id"], "[5:0_6:0)")
    await server.set(path, body)
    found = (await server.read(f"{path}?include_timerange=true"))["timerange"]
    same(found, "[5:0_6:0)", "timerange")


@statement(61, "S")
async def check_061_the_server_keeps_times_and_back_references(server: Server) -> None:
    """Times of creation and update and the collectors in a PUT are passed over."""
    claims = dict.fromkeys(("created", "metadata_updated", "segments_updated"), LONG_AGO)
    body = flow_body(**claims, collected_by=[new_id()])
    path = f"/flows/{body['id']}"
    created = (await server.put(path, body)).is_status(201).json
    await server.set(path, {**body, "label": "changed"})
    for flow in (created, await server.read(path)):
        for name in claims:
            ensure(flow.get(name) != LONG_AGO, f"{name} was taken from the client")
        for name in ("created", "metadata_updated"):
            ensure(is_instant(flow.get(name)), f"{name} is {flow.get(name)!r}")
        ensure(not flow.get("collected_by"), "collected_by was taken from the client")
        same(flow["created"], created["created"], "created")


@statement(62, "M")
async def check_062_tags_are_replaced_as_a_whole(server: Server) -> None:
    """A PUT of a Flow replaces all tags; one without tags leaves none."""
    body = flow_body(tags={"colour": "red", "shape": "round"})
    path = f"/flows/{body['id']}"
    (await server.put(path, body)).is_status(201)
    await server.set(path, {**body, "tags": {"shape": ["flat", "long"]}})
    same(await server.read(f"{path}/tags"), {"shape": ["flat", "long"]}, "tags")
    del body["tags"]
    await server.set(path, body)
    same(await server.read(f"{path}/tags"), {}, "tags")


@statement(63, "I")
async def check_063_what_a_put_leaves_out_is_unset(server: Server) -> None:
    """A PUT replaces: an optional property that it does not repeat is gone."""
    body, member = flow_body(), await server.flow()
    optional: dict[str, Json] = {
        "label": "a label",
        "description": "a description",
        "generation": 1,
        "status": "ingesting",
        "max_bit_rate": 5000,
        "avg_bit_rate": 4000,
        "segment_duration": {"numerator": 2, "denominator": 1},
        "container_mapping": {"track_index": 1},
        "flow_collection": [{"id": member["id"]}],
    }
    path = f"/flows/{body['id']}"
    created = (await server.put(path, {**body, **optional})).is_status(201).json
    same({name: created.get(name) for name in optional}, optional, "optional properties")
    await server.set(path, body)
    left = set(optional) & set(await server.read(path))
    ensure(not left, f"still set: {sorted(left)}")


@statement(64, "S")
async def check_064_authors_default_to_the_caller(server: Server) -> None:
    """Whoever calls is the author of a Flow and of its changes; a client may name another."""
    first, second = await server.flow(), await server.flow()
    caller = first.get("created_by")
    same(second.get("created_by"), caller, "created_by of another Flow of ours")
    await server.set(f"/flows/{second['id']}/label", "changed")
    updated = await server.read(f"/flows/{second['id']}")
    same(updated.get("updated_by"), caller, "updated_by of our change")
    named = (await server.flow(created_by="someone named")).get("created_by")
    ensure(named in ("someone named", caller), f"created_by is {named!r}")


@statement(65, "D")
async def check_065_the_creator_of_a_flow_stays(server: Server) -> None:
    """A later PUT keeps the creator, unless the caller names another and may do so."""
    body = flow_body(created_by="someone named")
    path = f"/flows/{body['id']}"
    creator = (await server.put(path, body)).is_status(201).json.get("created_by")
    del body["created_by"]
    await server.set(path, {**body, "label": "changed"})
    same((await server.read(path)).get("created_by"), creator, "created_by")
    await server.set(path, {**body, "created_by": "someone else"})
    found = (await server.read(path)).get("created_by")
    ensure(found in (creator, "someone else"), f"created_by is {found!r}")


@statement(73, "I")
async def check_073_the_status_is_kept_by_clients(server: Server) -> None:
    """A Flow's status is one of four words, set by clients; other words are refused."""
    body = flow_body()
    path = f"/flows/{body['id']}"
    (await server.put(path, body)).is_status(201)
    ensure("status" not in await server.read(path), "a status that nobody set")
    for word in ("awaiting_content", "ingesting", "replication_in_progress", "closed_complete"):
        await server.set(path, {**body, "status": word})
        same((await server.read(path))["status"], word, "status")
    for wrong in ("done", "", 5):
        (await server.put(path, {**body, "status": wrong})).is_status(400)


@statement(74, "I")
async def check_074_a_closed_flow_still_takes_segments(server: Server) -> None:
    """The status only informs: a Flow said to be complete takes Segments all the same."""
    flow = await server.flow(status="closed_complete")
    await server.segment(flow["id"], "[0:0_1:0)")
    same(len(await server.read(f"/flows/{flow['id']}/segments")), 1, "Segments")


@statement(75, "S")
async def check_075_a_source_takes_compatible_flows(server: Server) -> None:
    """A Source takes Flows of its format whatever their codec or size, and stays as it is."""
    flow = await server.flow("image")
    before = await server.read(f"/sources/{flow['source_id']}")
    small = {"frame_width": 64, "frame_height": 36}
    other = await server.flow(
        "image", source_id=flow["source_id"], codec="image/png", essence_parameters=small
    )
    same(await server.read(f"/sources/{flow['source_id']}"), before, "the Source")
    wrong = {**flow_body("audio"), "id": other["id"], "source_id": flow["source_id"]}
    (await server.put(f"/flows/{other['id']}", wrong)).is_status(400)
    same(await server.read(f"/flows/{other['id']}"), other, "the Flow after a refused PUT")


@statement(76, "S")
async def check_076_flows_of_a_source_may_not_contradict_each_other(server: Server) -> None:
    """Two Flows of one Source collect the same Sources in one order, with the same roles."""
    left, right = await server.flow("audio"), await server.flow("audio")
    collection = [{"id": left["id"], "role": "left"}, {"id": right["id"], "role": "right"}]
    first = await server.flow("multi", flow_collection=collection)
    swapped = [{**collection[0], "role": "right"}, {**collection[1], "role": "left"}]
    body = flow_body("multi", source_id=first["source_id"])
    for wrong in (collection[::-1], swapped):
        await _refuses(server, {**body, "flow_collection": wrong})
    rendition = await server.flow("audio", source_id=left["source_id"])
    fine = [{"id": rendition["id"], "role": "left"}, collection[1]]
    (await server.put(f"/flows/{body['id']}", {**body, "flow_collection": fine})).is_status(201)
    changed = {**body, "id": first["id"], "flow_collection": collection[::-1]}
    (await server.put(f"/flows/{first['id']}", changed)).is_status(400)


@statement(77, "Y")
async def check_077_further_conflicts_are_refused_or_accepted_whole(server: Server) -> None:
    """Audio with another number of channels may be refused for the Source; then it is not there."""
    flow = await server.flow("audio")
    parameters = {"sample_rate": 48000, "channels": 6}
    body = flow_body("audio", source_id=flow["source_id"], essence_parameters=parameters)
    answer = (await server.put(f"/flows/{body['id']}", body)).is_status(201, 400)
    there = (await server.get(f"/flows/{body['id']}")).is_status(200, 404).status
    same(there, 200 if answer.status == 201 else 404, "status of the GET")


@statement(78, "Y")
async def check_078_mistakes_can_be_corrected_or_are_refused_whole(server: Server) -> None:
    """What is meant to be set once may be corrected; if not, it is refused and stays."""
    body = flow_body(generation=0)
    path = f"/flows/{body['id']}"
    (await server.put(path, body)).is_status(201)
    corrections = {"codec": "video/h265", "container": "video/mp4", "generation": 2}
    for name, value in {**corrections, "source_id": new_id()}.items():
        answer = (await server.put(path, {**body, name: value})).is_status(204, 400)
        expected = value if answer.status == 204 else body[name]
        same((await server.read(path)).get(name), expected, f"{name} after {answer.status}")
        await server.set(path, body)
