"""Statements 168 to 179: which part of which Object a Segment may use."""

from __future__ import annotations

from typing import Any

from tams.conformance.media import ELSEWHERE, external, link, listed, object_path, timeranges
from tams.conformance.server import Json, Server, ensure, new_id, same
from tams.conformance.statements import statement


async def _object_of(server: Server, timerange: str, **fields: Json) -> str:
    """The id of an Object that a Flow of its own has registered."""
    flow_id = (await server.flow())["id"]
    return str((await server.segment(flow_id, timerange, **fields))["object_id"])


async def _answers(server: Server, flow_id: str, status: int, *bodies: dict[str, Any]) -> None:
    """POST each Segment by itself and fail unless every answer has this status."""
    for body in bodies:
        (await server.post(f"/flows/{flow_id}/segments", body)).is_status(status)


@statement(168, "M")
async def check_168_an_object_covers_its_first_segment_or_what_was_said(server: Server) -> None:
    """An Object's time is what its first Segment says, else the timerange less ts_offset."""
    flow_id = (await server.flow())["id"]
    await server.segment(flow_id, "[10:0_20:0]", ts_offset="10:0")
    await server.segment(flow_id, "[25:0_30:0)", object_timerange="[20:0_40:0)")
    found = await listed(server, flow_id, include_object_timerange="true")
    same([s["object_timerange"] for s in found], ["[0:0_10:0]", "[20:0_40:0)"], "object_timerange")
    for segment, wanted in zip(found, ("[0:0_10:0]", "[20:0_40:0)"), strict=True):
        shown = await server.read(object_path(segment["object_id"]))
        same(shown["timerange"], wanted, "timerange of the Object")


@statement(169, "M")
async def check_169_a_re_used_object_holds_the_whole_segment(server: Server) -> None:
    """A timerange less ts_offset must lie within the Object that it re-uses."""
    object_id, flow_id = await _object_of(server, "[0:0_10:0)"), (await server.flow())["id"]
    path = f"/flows/{flow_id}/segments"
    for timerange, status in (
        ("[99:0_101:0)", 400),
        ("[109:0_110:0]", 400),
        ("[109:0_110:1)", 400),
        ("[500:0_501:0)", 400),
        ("[100:0_102:0)", 201),
        ("[104:0_110:0)", 201),
    ):
        body = {"object_id": object_id, "timerange": timerange, "ts_offset": "100:0"}
        (await server.post(path, body)).is_status(status)
    same(await timeranges(server, flow_id), ["[100:0_102:0)", "[104:0_110:0)"], "Segments")


@statement(170, "I")
async def check_170_an_object_holds_its_first_segment_too(server: Server) -> None:
    """A first Segment that reaches beyond the object_timerange it gives is refused."""
    flow_id = (await server.flow())["id"]
    object_id = (await server.allocate(flow_id))[0]["object_id"]
    body = {"object_id": object_id, "ts_offset": "5:0", "object_timerange": "[0:0_5:0)"}
    beyond = ({**body, "timerange": timerange} for timerange in ("[5:0_11:0)", "[4:0_6:0)"))
    await _answers(server, flow_id, 400, *beyond)
    (await server.get(object_path(object_id))).is_status(404)
    await _answers(server, flow_id, 201, {**body, "timerange": "[6:0_10:0)"})


@statement(171, "S")
async def check_171_an_object_is_first_registered_where_it_was_allocated(server: Server) -> None:
    """The first Segment of an allocated Object belongs to the Flow it was allocated for."""
    owner, other = (await server.flow())["id"], (await server.flow())["id"]
    object_id = (await server.allocate(owner))[0]["object_id"]
    body = {"object_id": object_id, "timerange": "[0:0_1:0)"}
    await _answers(server, other, 400, body)
    (await server.get(object_path(object_id))).is_status(404)
    await _answers(server, owner, 201, body)


@statement(172, "S")
async def check_172_a_registered_object_serves_other_flows(server: Server) -> None:
    """An Object that a Flow has registered may be re-used by another, even of another Source."""
    object_id, flow_id = await _object_of(server, "[0:0_10:0)"), (await server.flow())["id"]
    await server.segment(flow_id, "[3:0_4:0)", object_id=object_id)
    found = await listed(server, flow_id, object_id=object_id, include_object_timerange="true")
    facts = [(s["timerange"], s["object_timerange"]) for s in found]
    same(facts, [("[3:0_4:0)", "[0:0_10:0)")], "timerange and object_timerange")
    flows = (await server.read(object_path(object_id)))["referenced_by_flows"]
    ensure(flow_id in flows and len(flows) == 2, f"both Flows refer to the Object, not {flows}")


@statement(173, "S")
async def check_173_re_use_does_not_change_an_object(server: Server) -> None:
    """A Segment that re-uses an Object says nothing of it that differs from what is known."""
    known = {"object_timerange": "[0:0_10:0)", "key_frame_count": 3}
    object_id = await _object_of(server, "[0:0_10:0)", **known)
    flow_id = (await server.flow())["id"]
    body = {"object_id": object_id, "timerange": "[0:0_1:0)"}
    changes = {"object_timerange": "[0:0_10:0]"}, {"key_frame_count": 4}, {"key_frame_count": 0}
    await _answers(server, flow_id, 400, *({**body, **change} for change in changes))
    await _answers(server, flow_id, 201, {**body, **known}, {**body, "timerange": "[1:0_2:0)"})
    counts = [s.get("key_frame_count") for s in await listed(server, flow_id)]
    same(counts, [3, 3], "key_frame_count of both Segments")


@statement(174, "I")
async def check_174_an_unknown_object_needs_urls(server: Server) -> None:
    """An Object that the store does not know, and that has no get_urls, is refused."""
    flow_id, object_id = (await server.flow())["id"], new_id()
    body = {"object_id": object_id, "timerange": "[0:0_1:0)"}
    await _answers(server, flow_id, 400, body, {**body, "get_urls": []})
    (await server.get(object_path(object_id))).is_status(404)


@statement(175, "Y")
async def check_175_an_object_may_be_held_elsewhere(server: Server) -> None:
    """An unknown Object that comes with get_urls is registered and listed with these."""
    flow_id, label = (await server.flow())["id"], f"elsewhere-{new_id()}"
    object_id = await link(server, flow_id, "[0:0_1:0)", ELSEWHERE, label)
    (segment,) = await listed(server, flow_id, verbose_storage="true")
    shown = await server.read(object_path(object_id))
    for urls in (segment["get_urls"], shown["get_urls"]):
        same([(at["url"], at["label"]) for at in urls], [(ELSEWHERE, label)], "get_urls")
    same(shown["timerange"], "[0:0_1:0)", "timerange of the Object")


@statement(176, "M")
async def check_176_registered_urls_have_url_and_label(server: Server) -> None:
    """Each of the get_urls of a new Segment needs a url and a label, both strings."""
    flow_id, whole = (await server.flow())["id"], {"url": ELSEWHERE, "label": new_id()}
    wrong: list[Json] = [{**whole, "url": None}, {**whole, "label": 7}, ELSEWHERE, {}]
    wrong += [{name: whole[name]} for name in whole]
    bodies = [external("[0:0_1:0)", entry) for entry in wrong]
    await _answers(server, flow_id, 400, *bodies, {**bodies[0], "get_urls": whole})
    await link(server, flow_id, "[5:0_6:0)", ELSEWHERE, new_id())
    same(await timeranges(server, flow_id), ["[5:0_6:0)"], "Segments")


@statement(177, "S")
async def check_177_labels_of_urls_are_unmistakable(server: Server) -> None:
    """A label that a Storage Backend bears, or that comes twice in one Segment, is refused."""
    flow_id, label = (await server.flow())["id"], new_id()
    backends = await server.read("/service/storage-backends")
    taken = [item["label"] for item in backends if "label" in item]
    same_twice = ({"url": f"{ELSEWHERE}?{n}", "label": label} for n in (1, 2))
    bodies = [external("[0:0_1:0)", {"url": ELSEWHERE, "label": name}) for name in taken]
    await _answers(server, flow_id, 400, *bodies, external("[0:0_1:0)", *same_twice))
    await link(server, flow_id, "[5:0_6:0)", ELSEWHERE, new_id())
    same(await timeranges(server, flow_id), ["[5:0_6:0)"], "Segments")


@statement(178, "D")
async def check_178_re_use_brings_no_urls(server: Server) -> None:
    """A Segment that re-uses an Object may not bring get_urls along."""
    object_id, flow_id = await _object_of(server, "[0:0_1:0)"), (await server.flow())["id"]
    body = external("[0:0_1:0)", {"url": ELSEWHERE, "label": new_id()})
    await _answers(server, flow_id, 400, {**body, "object_id": object_id})
    urls = (await server.read(object_path(object_id)))["get_urls"]
    ensure(ELSEWHERE not in {at["url"] for at in urls}, "the refused URL is listed")
    same(await timeranges(server, flow_id), [], "Segments")


@statement(179, "I")
async def check_179_no_offset_may_be_said(server: Server) -> None:
    """A ts_offset of zero that is sent equals one that is left out."""
    flow_id = (await server.flow())["id"]
    spoken = await server.segment(flow_id, "[0:0_1:0)", ts_offset="0:0")
    silent = await server.segment(flow_id, "[1:0_2:0)")
    await server.segment(flow_id, "[0:0_1:0)", object_id=spoken["object_id"])
    await server.segment(flow_id, **{**silent, "ts_offset": "0:0"})
    found = await listed(server, flow_id, include_object_timerange="true")
    same([s.get("ts_offset", "0:0") for s in found], ["0:0", "0:0"], "ts_offset")
    same([s["object_timerange"] for s in found], ["[0:0_1:0)", "[1:0_2:0)"], "object_timerange")
