"""Statements 222 to 231: what is told of an Object, and when."""

from __future__ import annotations

from tams.conformance.media import (
    ELSEWHERE,
    fetch,
    fragmented_flow,
    object_path,
    own_url,
    store,
    store_init,
)
from tams.conformance.server import Server, ensure, new_id, query, same
from tams.conformance.statements import statement

KEYS = {
    "id",
    "referenced_by_flows",
    "first_referenced_by_flow",
    "timerange",
    "init_object",
    "key_frame_count",
    "get_urls",
}


async def _shared(server: Server, *tags: dict[str, str]) -> tuple[str, list[str]]:
    """An Object that one Flow per item of `tags` refers to, and the ids of these Flows in order."""
    flow_ids = [(await server.flow(tags=tag))["id"] for tag in tags]
    object_id = await store(server, flow_ids[0], "[0:0_1:0)")
    for flow_id in flow_ids[1:]:
        await server.segment(flow_id, "[0:0_1:0)", object_id=object_id)
    return object_id, flow_ids


@statement(222, "I")
async def check_222_an_id_may_hold_any_character(server: Server) -> None:
    """An Object is found by its percent-encoded id, whatever characters that holds."""
    flow_id, unique = (await server.flow())["id"], new_id()
    ids = [f"{unique}/a", f"{unique} é", f"{unique}%2Fa", f"{unique}?b#c", f"{unique}/"]
    asked = {"object_ids": ids}
    (await server.post(f"/flows/{flow_id}/storage", asked)).is_status(201)
    for second, object_id in enumerate(ids):
        await server.segment(flow_id, f"[{second}:0_{second + 1}:0)", object_id=object_id)
        same((await server.read(object_path(object_id)))["id"], object_id, "id")
        (await server.head(object_path(object_id))).is_status(200)


@statement(223, "M")
async def check_223_an_object_is_unknown_until_registered(server: Server) -> None:
    """An allocated Object, uploaded or not, is a 404 until it is registered, if only as init."""
    flow_id = (await server.flow())["id"]
    item = (await server.allocate(flow_id))[0]
    for path in (object_path(item["object_id"]), object_path(new_id())):
        (await server.get(path)).is_status(404)
        (await server.head(path)).is_status(404)
        uncontrolled = {"url": ELSEWHERE, "label": new_id()}
        (await server.post(f"{path}/instances", uncontrolled)).is_status(404)
        (await server.delete(f"{path}/instances?label={new_id()}")).is_status(404)
    await server.upload(item, b"uploaded")
    (await server.get(object_path(item["object_id"]))).is_status(404)
    await server.segment(flow_id, "[0:0_1:0)", object_id=item["object_id"])
    (await server.get(object_path(item["object_id"]))).is_status(200)
    (await server.head(object_path(item["object_id"]))).is_status(200)
    fragmented = await fragmented_flow(server)
    init_id = await store_init(server, fragmented)
    (await server.get(object_path(init_id))).is_status(404)
    await server.segment(fragmented, "[0:0_1:0)", init_object_id=init_id)
    (await server.get(object_path(init_id))).is_status(200)


@statement(224, "M")
async def check_224_an_object_says_who_uses_it(server: Server) -> None:
    """An Object has its id and the Flows that refer to it, and no key beyond the standard's."""
    flow_id = (await server.flow())["id"]
    said = {"object_timerange": "[0:0_9:0)", "key_frame_count": 4}
    object_id = (await server.segment(flow_id, "[1:0_2:0)", **said))["object_id"]
    shown = await server.read(object_path(object_id))
    ensure(set(shown) <= KEYS, f"unknown keys in {sorted(shown)}")
    same(shown["id"], object_id, "id")
    same(shown["referenced_by_flows"], [flow_id], "referenced_by_flows")
    same(shown["timerange"], "[0:0_9:0)", "timerange")
    same(shown["key_frame_count"], 4, "key_frame_count")
    (await server.get(f"{object_path(object_id)}?limit=0")).is_status(400)


@statement(228, "Y")
async def check_228_the_first_flow_is_the_first_or_unsaid(server: Server) -> None:
    """first_referenced_by_flow, where it is told, is the Flow that registered the Object first."""
    object_id, (first, second) = await _shared(server, {}, {})
    shown = await server.read(object_path(object_id))
    same(set(shown["referenced_by_flows"]), {first, second}, "referenced_by_flows")
    same(shown.get("first_referenced_by_flow", first), first, "first_referenced_by_flow")
    (await server.delete(f"/flows/{first}")).is_status(204)
    shown = await server.read(object_path(object_id))
    same(shown["referenced_by_flows"], [second], "referenced_by_flows")
    same(shown.get("first_referenced_by_flow", first), first, "first_referenced_by_flow")


@statement(229, "I")
async def check_229_the_flows_of_an_object_come_in_pages(server: Server) -> None:
    """Pages of an Object hold together each Flow that refers to it, once."""
    object_id, flow_ids = await _shared(server, *({} for _ in range(5)))
    path, found = object_path(object_id), []
    same(set((await server.read(path))["referenced_by_flows"]), set(flow_ids), "without a limit")
    asked = query(limit="2")
    for size in (2, 2, 1):
        answer = (await server.get(path + asked)).is_status(200)
        same(len(answer.json["referenced_by_flows"]), size, "Flows on the page")
        same(answer.headers.get("X-Paging-Limit"), "2", "X-Paging-Limit")
        same(answer.json["id"], object_id, "id on the page")
        found += answer.json["referenced_by_flows"]
        asked = query(limit="2", page=answer.headers.get("X-Paging-NextKey", ""))
    ensure("X-Paging-NextKey" not in answer.headers, "the last page has a next one")
    same(sorted(found), sorted(flow_ids), "Flows on all pages")


@statement(230, "I")
async def check_230_flow_tags_choose_among_the_flows(server: Server) -> None:
    """flow_tag filters narrow referenced_by_flows, and never hide the Object itself."""
    mark = new_id()
    tags = {mark: "one"}, {mark: "two", "kind": "news"}, {"kind": "news"}
    object_id, (one, two, three) = await _shared(server, *tags)
    for filters, wanted in (
        ({f"flow_tag.{mark}": "one"}, {one}),
        ({f"flow_tag.{mark}": "one,two"}, {one, two}),
        ({f"flow_tag.{mark}": "on"}, set()),
        ({f"flow_tag.{mark}": "one,two", "flow_tag.kind": "news"}, {two}),
        ({f"flow_tag_exists.{mark}": "true"}, {one, two}),
        ({f"flow_tag_exists.{mark}": "false"}, {three}),
    ):
        shown = await server.read(object_path(object_id) + query(filters))
        same(set(shown["referenced_by_flows"]), wanted, f"referenced_by_flows with {filters}")
        ensure(shown["get_urls"], f"no get_urls with {filters}")
    wrong = query({f"flow_tag_exists.{mark}": "perhaps"})
    (await server.get(object_path(object_id) + wrong)).is_status(400)


@statement(231, "I")
async def check_231_objects_are_only_made_and_ended_by_segments(server: Server) -> None:
    """There is no list of Objects, and no Object is written or deleted by itself."""
    object_id = await store(server, (await server.flow())["id"], "[0:0_1:0)")
    (await server.get("/objects")).is_status(404, 405)
    for method in ("PUT", "POST"):
        (await server.request(method, object_path(object_id), {})).is_status(405)
    in_use = 409 if await server.offers("soft-deletion") else 405
    (await server.delete(object_path(object_id))).is_status(in_use)
    (await fetch(server, await own_url(server, object_id))).is_status(200)
