"""Operations, filters and paging."""

from __future__ import annotations

import json

import pytest
from aiohttp import web

from tams.client.client import BATCH
from tams.errors import RequestFailed

PAGE = 2


async def pages(request: web.Request) -> web.Response:
    """Answer with the pages of five items; the next page is named by `Link` alone."""
    items = [{"id": str(number), "object_id": str(number)} for number in range(5)]
    first = int(request.query.get("page", "0"))
    headers = {}
    if first + PAGE < len(items):
        query = request.rel_url.raw_query_string.split("&page=")[0].removeprefix("page=")
        link = f"<http://{request.host}{request.rel_url.raw_path}?{query}&page={first + PAGE}>"
        headers["Link"] = f'<http://{request.host}/>; rel="first", {link}; rel="next"'
    return web.json_response(items[first : first + PAGE], headers=headers)


@pytest.mark.parametrize("listed", ["sources", "flows", "storage_backends"])
async def test_lists_follow_every_page(serve, listed):
    served = await serve(pages)
    found = [item["id"] async for item in getattr(served.client, listed)()]
    assert found == ["0", "1", "2", "3", "4"]
    assert len(served.requests) == 3


async def test_segments_follow_every_page_with_their_filters(serve):
    served = await serve(pages)
    listing = served.client.segments("a/b", timerange="[0:0_5:0)", newest_first=True, limit=2)
    assert [item["object_id"] async for item in listing] == ["0", "1", "2", "3", "4"]
    for request in served.requests:
        assert request.raw_path.startswith("/flows/a%2Fb/segments?")
        assert request.query["timerange"] == "[0:0_5:0)"
        assert request.query["reverse_order"] == "true"
        assert request.query["limit"] == "2"


async def test_a_list_asks_only_for_the_pages_that_are_read(serve):
    served = await serve(pages)
    async for _ in served.client.flows():
        break
    assert len(served.requests) == 1


async def test_a_comma_inside_a_tag_value_is_told_from_one_between_values(serve):
    served = await serve(pages)
    tags = {"tag.genre": ["news", "a,b"], "tag.name": "x,y", "tag_exists.z": False}
    assert len([flow async for flow in served.client.flows(label=None, **tags)]) == 5
    for request in served.requests:
        assert "tag.genre=news,a%2Cb&tag.name=x%2Cy&tag_exists.z=false" in request.raw_path


async def test_segments_are_posted_in_batches_and_failures_are_gathered(serve):
    async def refuse_the_first(request: web.Request) -> web.Response:
        first = (await request.json())[0]
        return web.json_response({"failed_segments": [{"object_id": first["object_id"]}]})

    served = await serve(refuse_the_first)
    segments = [{"object_id": str(n), "timerange": "_"} for n in range(BATCH + 1)]
    failed = await served.client.add_segments("f", segments)
    assert [len(json.loads(body)) for body in served.bodies] == [BATCH, 1]
    assert [item["object_id"] for item in failed] == ["0", str(BATCH)]


async def test_nothing_to_add_is_no_request(serve):
    served = await serve(pages)
    assert await served.client.add_segments("f", []) == []
    assert served.requests == []


async def test_each_operation_makes_the_request_of_the_standard(serve):
    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/storage"):
            return web.json_response({"media_objects": [{"object_id": "o"}]}, status=201)
        return web.json_response({"id": "x"})

    served = await serve(answer)
    client = served.client
    flow = {"id": "f", "source_id": "s", "format": "urn:x-nmos:format:multi"}
    assert await client.flow("f", include_timerange=True, timerange="_") == {"id": "x"}
    assert await client.source("s") == {"id": "x"}
    assert await client.object("a/b c") == {"id": "x"}
    await client.put_flow(flow)
    await client.put_flow_property("f", "avg_bit_rate", 5)
    await client.put_source_property("s", "label", "News")
    await client.put_source_tag("s", "a/b", ["x"])
    assert await client.allocate("f", limit=3, storage_id="b") == [{"object_id": "o"}]
    assert await client.allocate("f", object_ids=["p"]) == [{"object_id": "o"}]
    assert await client.delete_segments("f", timerange="_", object_id="o") == {"id": "x"}
    assert await client.delete_flow("f") == {"id": "x"}
    made = [f"{request.method} {request.raw_path}" for request in served.requests]
    assert made == [
        "GET /flows/f?include_timerange=true&timerange=_",
        "GET /sources/s",
        "GET /objects/a%2Fb%20c",
        "PUT /flows/f",
        "PUT /flows/f/avg_bit_rate",
        "PUT /sources/s/label",
        "PUT /sources/s/tags/a%2Fb",
        "POST /flows/f/storage",
        "POST /flows/f/storage",
        "DELETE /flows/f/segments?timerange=_&object_id=o",
        "DELETE /flows/f",
    ]
    bodies = [json.loads(body) for body in served.bodies if body]
    assert bodies == [
        flow,
        5,
        "News",
        ["x"],
        {"limit": 3, "storage_id": "b"},
        {"object_ids": ["p"]},
    ]


async def all_of(listing):
    return [item async for item in listing]


SEGMENT = {"object_id": "o", "timerange": "_"}


@pytest.mark.parametrize(
    ("call", "body", "told"),
    [
        (lambda c: all_of(c.flows()), {"data": [], "paging": {}}, "GET /flows: .* not an array"),
        (lambda c: all_of(c.segments("f")), None, "GET /flows/f/segments: .* not an array"),
        (lambda c: c.flow("a b"), [], "GET /flows/a b: .* not an object"),
        (lambda c: c.service(), None, "GET /service: .* not an object"),
        (lambda c: c.add_segments("f", [SEGMENT]), [SEGMENT], "POST .* not an object"),
        (
            lambda c: c.add_segments("f", [SEGMENT]),
            {"failed_segments": 1},
            "not an object with failed_segments, an array",
        ),
        (lambda c: c.allocate("f"), [], "POST .* not an object"),
        (lambda c: c.allocate("f"), {}, "not an object with media_objects, an array"),
        (lambda c: c.delete_flow("f"), [], "DELETE /flows/f: .* not an object"),
        (lambda c: c.delete_segments("f"), [], "DELETE .* not an object"),
    ],
)
async def test_an_answer_of_another_shape_than_the_standards_is_refused(serve, call, body, told):
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(body)

    served = await serve(answer)
    with pytest.raises(RequestFailed, match=told) as failure:
        await call(served.client)
    assert "/v8.2" in str(failure.value)
