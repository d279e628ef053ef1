"""Statements 251 to 259: lists in pages, and the headers that lead through them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from tams.conformance.server import Answer, Server, ensure, new_id, query, same
from tams.conformance.statements import statement

PAGING = (
    "Link",
    "X-Paging-Limit",
    "X-Paging-NextKey",
    "X-Paging-Count",
    "X-Paging-Reverse-Order",
    "X-Paging-Timerange",
)


def _next(answer: Answer) -> str | None:
    """The URL of the next page, if the answer links to one."""
    links = re.findall(
        r'<([^>]*)>\s*;\s*rel="?next"?', ", ".join(answer.headers.getall("Link", []))
    )
    ensure(len(links) < 2, f"{answer.request}: more than one next page")
    return links[0] if links else None


def _key(answer: Answer) -> str:
    """The key of the next page, which there must be."""
    ensure("X-Paging-NextKey" in answer.headers, f"{answer.request}: no X-Paging-NextKey")
    return answer.headers["X-Paging-NextKey"]


def _asked(url: str) -> dict[str, str]:
    """The query parameters of a URL, empty ones too."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


async def _pages(server: Server, path: str) -> AsyncIterator[Answer]:
    """The pages of a short list, one after the other, by the Link of each."""
    url = path
    for _ in range(20):
        answer = (await server.get(url)).is_status(200)
        yield answer
        following = _next(answer)
        if following is None:
            return
        url = following
    raise AssertionError(f"the pages of {path} have no end")


async def _lists_of_five(server: Server) -> tuple[str, str, str]:
    """Queries of Flows, of Sources and of Segments that each find five items; each ends in `&`."""
    mark = new_id()
    flows = [await server.flow(tags={mark: "a, b&c=é"}) for _ in range(5)]
    for flow in flows:
        await server.set(f"/sources/{flow['source_id']}/tags/{mark}", "a, b&c=é")
    flow_id = flows[0]["id"]
    await server.segments(flow_id, [f"[{n}:0_{n + 1}:0)" for n in range(5)])
    tagged = f"?tag.{mark}=a%2C%20b%26c%3D%C3%A9&"
    times = query(timerange="[0:0_9:0)", accept_get_urls="")
    return f"/flows{tagged}", f"/sources{tagged}", f"/flows/{flow_id}/segments{times}&"


@statement(251, "I")
async def check_251_limit_caps_the_page(server: Server) -> None:
    """A page has at most limit items; the limit in force, the server's or this, is told."""
    for path in await _lists_of_five(server):
        for limit, size in ((1, 1), (4, 4), (5, 5), (7, 5)):
            answer = (await server.get(f"{path}limit={limit}")).is_status(200)
            same(len(answer.json), size, f"items of {answer.request}")
            same(answer.headers.get("X-Paging-Limit"), str(limit), "X-Paging-Limit")
        for asked in ("limit=1000000000000", ""):
            answer = (await server.get(f"{path}{asked}")).is_status(200)
            effective = int(answer.headers["X-Paging-Limit"])
            ensure(1 <= effective <= 10**12, f"X-Paging-Limit {effective} of {answer.request}")
            same(len(answer.json), min(effective, 5), f"items of {answer.request}")


@statement(252, "I")
async def check_252_only_what_goes_on_has_a_next_page(server: Server) -> None:
    """A page that is not the last has a next Link and a NextKey; the last has neither."""
    for path in await _lists_of_five(server):
        sizes = []
        async for answer in _pages(server, f"{path}limit=2"):
            sizes.append(len(answer.json))
            linked, keyed = _next(answer) is not None, "X-Paging-NextKey" in answer.headers
            same((linked, keyed), (sum(sizes) < 5,) * 2, f"Link and NextKey of {answer.request}")
        same(sizes, [2, 2, 1], f"items on the pages of {path}")
        whole = [answer async for answer in _pages(server, f"{path}limit=5")]
        same(len(whole), 1, "pages of five for five items")
        ensure("X-Paging-NextKey" not in whole[0].headers, "a full last page has a next one")


@statement(253, "I")
async def check_253_link_and_key_lead_to_the_same_page(server: Server) -> None:
    """The Link keeps the address and every filter; with NextKey as page it is the same page."""
    for path in await _lists_of_five(server):
        first = (await server.get(f"{path}limit=2&reverse_order=true")).is_status(200)
        key, url = _key(first), _next(first) or ""
        ensure(url.startswith(server.base + path.split("?")[0]), f"{url} is not on {server.base}")
        asked = {**_asked(path), "limit": "2", "reverse_order": "true", "page": key}
        same(_asked(url), asked, "query of the Link")
        by_link = (await server.get(url)).is_status(200).json
        by_key = await server.read(f"{path}limit=2&reverse_order=true&{query(page=key)[1:]}")
        same(by_key, by_link, f"page {key} of {path}")
        ensure(len(by_key) == 2 and by_key != first.json, "the next page repeats the first")


@statement(254, "I")
async def check_254_keys_are_short_and_only_their_own(server: Server) -> None:
    """A key that is broken, or of another list, is refused; a long label makes no long key."""
    flows, sources, segments = await _lists_of_five(server)
    keys = {}
    for path in (flows, segments):
        keys[path] = _key(await server.get(f"{path}limit=2"))
    for path in (flows, sources, segments):
        for wrong in ("abc", "%00", "-1", "2", keys[flows][:-1]):
            (await server.get(f"{path}{query(page=wrong)[1:]}")).is_status(400)
    for path, foreign in ((flows, keys[segments]), (segments, keys[flows])):
        (await server.get(f"{path}{query(page=foreign)[1:]}")).is_status(400)
    source_id, label = new_id(), "é" * 2000
    wanted = [(await server.flow(source_id=source_id, label=label + end))["id"] for end in "ab"]
    path, found = f"/flows?source_id={source_id}&sort_by=label&limit=1", []
    async for answer in _pages(server, path):
        found += [flow["id"] for flow in answer.json]
        key = answer.headers.get("X-Paging-NextKey", "")
        ensure(len(key) <= 1000, f"a key of {len(key)} characters")
    same(found, wanted, "Flows by label")


@statement(255, "I")
async def check_255_pages_say_their_size_and_direction(server: Server) -> None:
    """X-Paging-Count is the number of items on the page, Reverse-Order whether it was asked."""
    backends = "/service/storage-backends?"
    for path in (*await _lists_of_five(server), backends):
        for asked, reverse in (("", "false"), ("reverse_order=true&", "true")):
            for limit in ("", "limit=1", "limit=3"):
                answer = (await server.get(path + asked + limit)).is_status(200)
                count = answer.headers.get("X-Paging-Count")
                same(count, str(len(answer.json)), f"X-Paging-Count of {answer.request}")
                order = answer.headers.get("X-Paging-Reverse-Order")
                same(order, reverse, f"X-Paging-Reverse-Order of {answer.request}")


@statement(256, "I")
async def check_256_pages_of_segments_say_their_time(server: Server) -> None:
    """X-Paging-Timerange runs from the first to the last Segment of the page; empty, it is ()."""
    flow_id = (await server.flow())["id"]
    await server.segments(flow_id, ["[0:0_1:0)", "[3:0_4:0)", "[5:0_6:0]"])
    for asked, wanted in (
        ({}, "[0:0_6:0]"),
        ({"limit": "2"}, "[0:0_4:0)"),
        ({"limit": "2", "reverse_order": "true"}, "[3:0_6:0]"),
        ({"timerange": "[3:500000000_5:500000000)"}, "[3:0_6:0]"),
        ({"timerange": "[1:0_3:0)"}, "()"),
    ):
        answer = await server.get(f"/flows/{flow_id}/segments{query(asked)}")
        same(answer.headers.get("X-Paging-Timerange"), wanted, f"X-Paging-Timerange with {asked}")


@statement(257, "S")
async def check_257_pages_hold_together_while_others_write(server: Server) -> None:
    """What was there throughout comes once, whatever is added or deleted between two pages."""
    source_id = new_id()
    flows = [(await server.flow(source_id=source_id))["id"] for _ in range(6)]
    kept, found = {flows[0], flows[2], flows[3], flows[5]}, []
    doomed = [flows[4], flows[1]]
    async for answer in _pages(server, f"/flows?source_id={source_id}&limit=2"):
        found += [flow["id"] for flow in answer.json]
        await server.flow(source_id=source_id)
        if doomed:
            (await server.delete(f"/flows/{doomed.pop(0)}")).is_status(204)
    same(len(set(found)), len(found), f"different Flows among {found}")
    ensure(kept <= set(found), f"{kept - set(found)} was there throughout but came on no page")
    flow_id, seen = flows[0], []
    await server.segments(flow_id, [f"[{n}:0_{n + 1}:0)" for n in range(0, 12, 2)])
    new = iter(["[1:0_2:0)", "[-5:0_-4:0)", "[11:0_12:0)", "[20:0_21:0)"])
    async for answer in _pages(server, f"/flows/{flow_id}/segments?limit=2"):
        seen += [segment["timerange"] for segment in answer.json]
        timerange = next(new, None)
        if timerange:
            await server.segment(flow_id, timerange)
    same(len(set(seen)), len(seen), f"different Segments among {seen}")
    kept = {f"[{n}:0_{n + 1}:0)" for n in range(0, 12, 2)}
    ensure(kept <= set(seen), f"{kept - set(seen)} was there throughout but came on no page")


@statement(258, "D")
async def check_258_a_limit_is_a_positive_number(server: Server) -> None:
    """A limit below 1, or that is no whole number, is refused on every list."""
    flow_id = (await server.flow())["id"]
    backends, segments = "/service/storage-backends", f"/flows/{flow_id}/segments"
    for path in ("/flows", "/sources", "/flow-delete-requests", backends, segments):
        for limit in ("0", "-1", "1.5", "many"):
            (await server.get(path + query(limit=limit))).is_status(400)


@statement(259, "I")
async def check_259_browsers_may_read_the_paging_headers(server: Server) -> None:
    """CORS exposes Link and X-Paging headers, and a preflight needs no credentials."""
    origin = {"Origin": "https://player.example"}
    answer = (await server.get("/flows?limit=1", headers=origin)).is_status(200)
    ensure("Access-Control-Allow-Origin" in answer.headers, "browsers may not read the list")
    given = answer.headers.get("Access-Control-Expose-Headers", "").lower()
    exposed = {name.strip() for name in given.split(",")}
    missing = {name.lower() for name in PAGING} - exposed
    ensure(not missing or "*" in exposed, f"{missing} are not exposed")
    asked = {"Access-Control-Request-Method": "PUT"}
    asked["Access-Control-Request-Headers"] = "authorization,content-type,range"
    anonymous = replace(server, headers={})
    preflight = await anonymous.request("OPTIONS", "/flows", headers={**origin, **asked})
    given = preflight.is_status(200, 204).headers.get("Access-Control-Allow-Headers", "").lower()
    allowed = {name.strip() for name in given.split(",")}
    ensure({"authorization", "content-type", "range"} <= allowed, f"only {allowed} are allowed")
