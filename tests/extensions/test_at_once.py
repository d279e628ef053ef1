"""What is asked for several times at the same moment is made once."""

from __future__ import annotations

import asyncio

import pytest

from tams.conformance.server import new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("path", ["/sources", "/flows", "/objects", "/collections"])
async def test_of_those_who_want_one_id_one_has_it(server, path):
    body = {"id": new_id(), "format": "video", "label": "x"}
    answers = await asyncio.gather(*(server.post(path, body) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [201, *[409] * 7]


async def test_batches_that_meet_are_made_whole_or_not_at_all(server):
    shared, label = new_id(), new_id()
    batches = [
        [{"id": one, "format": "video", "label": label} for one in order]
        for order in ([new_id(), shared], [shared, new_id()], [new_id(), shared, new_id()])
    ]
    answers = await asyncio.gather(*(server.post("/sources/batch", one) for one in batches))
    assert sorted(answer.status for answer in answers) == [201, 409, 409]
    [made] = [answer.json for answer in answers if answer.status == 201]
    assert set(await server.ids("/sources", label=label)) == {one["id"] for one in made}


async def test_a_collection_loses_none_of_those_who_join_together(server):
    flows = [(await server.flow())["id"] for _ in range(8)]
    made = (await server.post("/collections", {"label": "x"})).is_status(201).json
    path = f"/collections/{made['id']}"
    joined = await asyncio.gather(*(server.put(f"{path}/flows/{one}") for one in flows))
    assert {answer.status for answer in joined} == {204}
    assert set((await server.read(path))["flow_ids"]) == set(flows)
    gone = [server.delete(f"/flows/{one}") for one in flows[:4]]
    out = [server.delete(f"{path}/flows/{one}") for one in flows[2:6]]
    for answer in await asyncio.gather(*gone, *out):
        answer.is_status(204, 404)
    assert set((await server.read(path))["flow_ids"]) == set(flows[6:])


async def test_a_source_that_was_posted_stays_whatever_flows_come_and_go(server):
    source = (await server.post("/sources", {"format": "video"})).is_status(201).json
    bodies = [{"source_id": source["id"], "id": new_id()} for _ in range(8)]
    for answer in await asyncio.gather(*(server.post("/flows", body) for body in bodies)):
        answer.is_status(201)
    paths = [f"/flows/{body['id']}" for body in bodies]
    for answer in await asyncio.gather(*(server.delete(path) for path in paths)):
        answer.is_status(204)
    assert await server.read(f"/sources/{source['id']}") == source
