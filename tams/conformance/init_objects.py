"""Statements on init Objects: 140, 141, 180 to 182, 210, and 225 to 227."""

from __future__ import annotations

from typing import Any

from tams.conformance.media import (
    INIT_TYPE,
    STORED,
    fetch,
    fragmented_flow,
    listed,
    new_media,
    object_path,
    own_url,
    store,
    store_init,
    timeranges,
)
from tams.conformance.server import Server, ensure, new_id, query, same
from tams.conformance.statements import statement


async def _body(server: Server, flow_id: str, timerange: str, init_id: str) -> dict[str, Any]:
    """A Segment of a newly allocated Object, not registered yet."""
    object_id = (await server.allocate(flow_id))[0]["object_id"]
    return {"object_id": object_id, "timerange": timerange, "init_object_id": init_id}


async def _answers(server: Server, flow_id: str, status: int, *bodies: dict[str, Any]) -> None:
    """POST each Segment by itself and fail unless every answer has this status."""
    for body in bodies:
        (await server.post(f"/flows/{flow_id}/segments", body)).is_status(status)


@statement(140, "I")
async def check_140_a_segment_shows_its_init_object(server: Server) -> None:
    """init_object has an object_id and get_urls, chosen as those of the Segment, and no more."""
    flow_id, content = await fragmented_flow(server), new_media()
    init_id = await store_init(server, flow_id, content)
    await server.segment(flow_id, "[0:0_1:0)", init_object_id=init_id)
    (segment,) = await listed(server, flow_id)
    shown = segment["init_object"]
    same(set(shown), {"object_id", "get_urls"}, "keys of init_object")
    same(shown["object_id"], init_id, "object_id of init_object")
    ensure(all(set(at) <= {"url", "presigned", "label"} for at in shown["get_urls"]), "verbose")
    answer = await fetch(server, await own_url(server, init_id))
    same(answer.is_status(200).body, content, "bytes of the init Object")
    (segment,) = await listed(server, flow_id, verbose_storage="true")
    for at, of_media in zip(segment["init_object"]["get_urls"], segment["get_urls"], strict=True):
        same(set(at), set(of_media), "keys of verbose get_urls")
    for filters in {"accept_get_urls": ""}, {"accept_storage_ids": new_id()}:
        (segment,) = await listed(server, flow_id, **filters)
        ensure(not segment["init_object"].get("get_urls"), f"get_urls in spite of {filters}")
        same(segment["init_object"]["object_id"], init_id, "object_id without get_urls")


@statement(141, "I")
async def check_141_one_init_object_serves_many_segments(server: Server) -> None:
    """Segments that need the same init segment show the same init Object, others another."""
    flow_id = await fragmented_flow(server)
    one, other = [await store_init(server, flow_id) for _ in range(2)]
    needed = [one, one, other, one]
    bodies = [
        await _body(server, flow_id, f"[{second}:0_{second + 1}:0)", init_id)
        for second, init_id in enumerate(needed)
    ]
    (await server.post(f"/flows/{flow_id}/segments", bodies)).is_status(201)
    await server.segment(flow_id, "[4:0_5:0)", init_object_id=other)
    found = [segment["init_object"]["object_id"] for segment in await listed(server, flow_id)]
    same(found, [*needed, other], "init Objects")


@statement(180, "S")
async def check_180_an_object_has_one_role_for_ever(server: Server) -> None:
    """What was used as an init Object is refused as media, and what holds media as init Object."""
    flow_id = await fragmented_flow(server)
    init_id, unused = [await store_init(server, flow_id) for _ in range(2)]
    media = await server.segment(flow_id, "[0:0_1:0)", init_object_id=init_id)
    body = await _body(server, flow_id, "[5:0_6:0)", init_id)
    own = {"init_object_id": body["object_id"]}
    as_media = {"object_id": init_id, "init_object_id": unused}
    as_init = {"init_object_id": media["object_id"]}
    await _answers(server, flow_id, 400, *({**body, **wrong} for wrong in (own, as_media, as_init)))
    new = {**body, "init_object_id": unused}
    swapped = {"object_id": unused, "timerange": "[7:0_8:0)", "init_object_id": init_id}
    answer = await server.post(f"/flows/{flow_id}/segments", [new, swapped])
    failed = answer.is_status(200).json["failed_segments"]
    same([item["object_id"] for item in failed], [unused], "failed Segments")
    same(await timeranges(server, flow_id), ["[0:0_1:0)", "[5:0_6:0)"], "Segments")


@statement(181, "M")
async def check_181_init_objects_and_init_segments_go_together(server: Server) -> None:
    """Media have init Objects if init_segments of their Flow is true, and only then."""
    fragmented, plain = await fragmented_flow(server), (await server.flow())["id"]
    init_id = await store_init(server, fragmented)
    body = await _body(server, fragmented, "[0:0_1:0)", init_id)
    without = {"object_id": body["object_id"], "timerange": "[0:0_1:0)"}
    await _answers(server, fragmented, 400, without)
    unfit = await _body(server, plain, "[0:0_1:0)", await store_init(server, plain))
    await _answers(server, plain, 400, unfit)
    await _answers(server, fragmented, 201, body)
    await _answers(server, plain, 400, without, body)
    simple = await store(server, plain, "[5:0_6:0)")
    await _answers(server, fragmented, 400, {"object_id": simple, "timerange": "[5:0_6:0)"})
    same(await timeranges(server, fragmented), ["[0:0_1:0)"], "Segments with init Objects")
    same(await timeranges(server, plain), ["[5:0_6:0)"], "Segments without")


@statement(182, "S")
async def check_182_a_re_used_object_brings_its_init_object(server: Server) -> None:
    """Re-use needs no init_object_id; the one that is known may be said, and no other."""
    owner, other = await fragmented_flow(server), await fragmented_flow(server)
    init_id, second = [await store_init(server, owner) for _ in range(2)]
    foreign = await _body(server, other, "[9:0_10:0)", init_id)
    await _answers(server, other, 400, foreign, {**foreign, "init_object_id": new_id()})
    media = await server.segment(owner, "[0:0_1:0)", init_object_id=init_id)
    await server.segment(owner, "[1:0_2:0)", init_object_id=second)
    again = {"object_id": media["object_id"], "timerange": "[0:0_1:0)"}
    wrong = ({**again, "init_object_id": each} for each in (second, new_id()))
    await _answers(server, other, 400, *wrong)
    said = {**again, "timerange": "[3:0_4:0)", "ts_offset": "3:0", "init_object_id": init_id}
    await _answers(server, other, 201, again, said, foreign)
    found = [segment["init_object"]["object_id"] for segment in await listed(server, other)]
    same(found, [init_id] * 3, "init Objects")


@statement(210, "M")
async def check_210_storage_of_init_objects_has_their_type(server: Server) -> None:
    """content_type says what an init Object is; without it, Objects are of the Flow's container."""
    flow_id = await fragmented_flow(server)
    (media,) = await server.allocate(flow_id)
    same(media["put_url"].get("content-type"), "video/iso.segment", "content-type of media")
    (init,) = await server.allocate(flow_id, content_type=INIT_TYPE)
    same(init["put_url"].get("content-type"), INIT_TYPE, "content-type of the init Object")
    wrong = {"limit": 1, "content_type": "no type"}
    (await server.post(f"/flows/{flow_id}/storage", wrong)).is_status(400)
    for item in (media, init):
        (await server.upload(item, new_media())).is_status(*STORED)
    ids = {"object_id": media["object_id"], "init_object_id": init["object_id"]}
    await server.segment(flow_id, "[0:0_1:0)", **ids)
    answer = await fetch(server, await own_url(server, init["object_id"]))
    same(answer.headers.get("Content-Type"), INIT_TYPE, "Content-Type of the bytes")


@statement(225, "M")
async def check_225_only_media_have_a_timerange(server: Server) -> None:
    """A Media Object shows its timerange; an init Object has none."""
    flow_id = await fragmented_flow(server)
    init_id = await store_init(server, flow_id)
    media = await server.segment(flow_id, "[0:0_1:0)", init_object_id=init_id)
    shown = await server.read(object_path(media["object_id"]))
    same(shown["timerange"], "[0:0_1:0)", "timerange of the Media Object")
    shown = await server.read(object_path(init_id))
    ensure("timerange" not in shown, "an init Object shows a timerange")
    ensure("init_object" not in shown, "an init Object shows an init Object")
    ensure(shown["get_urls"], "an init Object shows no URLs")


@statement(226, "I")
async def check_226_an_object_shows_its_init_object(server: Server) -> None:
    """init_object of an Object has an id, not an object_id, and get_urls chosen as its own."""
    flow_id = await fragmented_flow(server)
    init_id = await store_init(server, flow_id)
    media = await server.segment(flow_id, "[0:0_1:0)", init_object_id=init_id)
    path = object_path(media["object_id"])
    shown = await server.read(path + query(verbose_storage="true"))
    same(set(shown["init_object"]), {"id", "get_urls"}, "keys of init_object")
    same(shown["init_object"]["id"], init_id, "id of init_object")
    direct = await server.read(object_path(init_id) + query(verbose_storage="true"))
    places = [
        [at.get("storage_id") for at in urls]
        for urls in (shown["init_object"]["get_urls"], direct["get_urls"])
    ]
    same(places[0], places[1], "Storage Backends of the init Object")
    shown = await server.read(path + query(accept_get_urls=""))
    ensure(not shown["init_object"].get("get_urls"), "get_urls though none is accepted")


@statement(227, "I")
async def check_227_flows_refer_to_init_objects_by_way_of_media(server: Server) -> None:
    """An init Object names the Flows whose Media Objects need it, by page and by tag."""
    mark = new_id()
    flow_ids = [await fragmented_flow(server, tags={mark: number}) for number in ("one", "two")]
    init_id = await store_init(server, flow_ids[0])
    for flow_id in flow_ids:
        for second in range(2):
            timerange = f"[{second}:0_{second + 1}:0)"
            await server.segment(flow_id, timerange, init_object_id=init_id)
    path, found = object_path(init_id), []
    same(sorted((await server.read(path))["referenced_by_flows"]), sorted(flow_ids), "Flows")
    for flow_id, number in zip(flow_ids, ("one", "two"), strict=True):
        asked = query({f"flow_tag.{mark}": number})
        same((await server.read(path + asked))["referenced_by_flows"], [flow_id], "by tag")
    asked = query(limit="1")
    for _ in flow_ids:
        answer = (await server.get(path + asked)).is_status(200)
        found += answer.json["referenced_by_flows"]
        asked = query(limit="1", page=answer.headers.get("X-Paging-NextKey", ""))
    same(sorted(found), sorted(flow_ids), "Flows on all pages")
    (await server.delete(f"/flows/{flow_ids[0]}")).is_status(204)
    same((await server.read(path))["referenced_by_flows"], flow_ids[1:], "Flows left")
