"""Every DELETE: 204 where little is deleted, 202 and a request where it is much."""

from __future__ import annotations

from itertools import pairwise

import pytest
from fastapi.routing import iter_route_contexts

from tams.conformance.server import new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

REQUESTS = "/flow-delete-requests"
MANY = 1001
WEEK_S = 7 * 86400


async def furnished(server):
    """The path of every DELETE of the standard, for a Flow that has all; the last removes it."""
    member = await server.flow()
    flow = await server.flow(
        label="x",
        description="x",
        max_bit_rate=1,
        avg_bit_rate=1,
        tags={"x": "y"},
        flow_collection=[{"id": member["id"], "role": "x"}],
    )
    await server.segments(flow["id"], [f"[{at}:0_{at + 1}:0)" for at in range(3)])
    ids = {"flows": flow["id"], "sources": flow["source_id"]}
    found = []
    for route in iter_route_contexts(server.app.routes):
        methods = route.methods or ()
        if "DELETE" in methods and route.path.startswith(("/flows/", "/sources/")):
            _, noun, _, *rest = route.path.split("/")
            if noun == "sources" and not rest:  # it goes with its Flow
                continue
            if rest[:1] == ["segments"] and len(rest) > 1:  # of an extension
                continue
            names = ["x" if "{" in part else part for part in rest]
            found.append("/".join(["", noun, ids[noun], *names]))
    return sorted(set(found), reverse=True)


async def long_flow(server, number=MANY):
    """A Flow of that many Segments of a second, all of one Object."""
    flow_id = (await server.flow())["id"]
    object_id = (await server.segment(flow_id, "[0:0_1:0)"))["object_id"]
    batch = [
        {
            "object_id": object_id,
            "timerange": f"[{at}:0_{at + 1}:0)",
            "ts_offset": f"{at}:0",
        }
        for at in range(1, number)
    ]
    (await server.post(f"/flows/{flow_id}/segments", batch)).is_status(201)
    return flow_id


async def test_every_delete_answers_204(server):
    paths = await furnished(server)
    assert len(paths) >= 10
    for path in paths:
        answer = (await server.delete(path)).is_status(204)
        assert answer.body == b""
    (await server.get(paths[-1])).is_status(404)


async def test_many_segments_are_deleted_behind_the_answer(server):
    flow_id = await long_flow(server, MANY + 200)
    path = f"/flows/{flow_id}/segments"
    (await server.delete(f"{path}?timerange=[0:0_1:0)")).is_status(204)
    answer = (await server.delete(f"{path}?timerange=[0:0_1002:0)")).is_status(202)
    request = answer.json
    assert answer.headers["Location"] == f"{server.base}{REQUESTS}/{request['id']}"
    assert request["status"] == "created"
    assert request["timerange_to_delete"] == "[0:0_1002:0)"
    assert request["timerange_remaining"] == "[1:0_1002:0)"
    assert (request["flow_id"], request["delete_flow"]) == (flow_id, False)
    assert "expiry" not in request
    assert await server.read(answer.headers["Location"]) == request
    assert (await server.read(f"{path}?limit=1"))[0]["timerange"] == "[1:0_2:0)"
    await server.wait(1)
    done = await server.read(answer.headers["Location"])
    assert done["status"] == "done"
    assert "timerange_remaining" not in done
    assert done["expiry"] > done["updated"] > done["created"]
    assert (await server.read(f"{path}?limit=1"))[0]["timerange"] == "[1002:0_1003:0)"


async def test_a_long_flow_is_gone_at_once_and_may_be_made_again(server):
    flow_id = await long_flow(server)
    answer = (await server.delete(f"/flows/{flow_id}")).is_status(202)
    request = answer.json
    assert (request["delete_flow"], request["timerange_to_delete"]) == (True, "_")
    assert request["timerange_remaining"] == f"[0:0_{MANY}:0)"
    (await server.get(f"/flows/{flow_id}")).is_status(404)
    assert await server.read(f"/flows/{flow_id}/segments") == []
    await server.flow(id=flow_id)
    assert await server.read(f"/flows/{flow_id}/segments") == []
    await server.segment(flow_id, "[5:0_6:0)")
    await server.wait(1)
    assert (await server.read(answer.headers["Location"]))["status"] == "done"
    assert len(await server.read(f"/flows/{flow_id}/segments")) == 1
    await server.wait(WEEK_S)
    (await server.get(answer.headers["Location"])).is_status(404)
    assert request["id"] not in await server.ids(REQUESTS)


async def test_a_deletion_that_is_under_way_gives_way(server):
    flow_id = await long_flow(server)
    path = f"/flows/{flow_id}/segments"
    (await server.delete(path)).is_status(202)
    posts = [
        {
            "object_id": new_id(),
            "timerange": f"[{at}:500000000_{at + 1}:500000000)",
            "get_urls": [{"url": f"https://media.example/{at}", "label": "elsewhere"}],
        }
        for at in (7, 100, 101)
    ]
    (await server.post(path, posts)).is_status(201)
    assert len(await server.read(f"{path}?timerange=[7:0_10:0)")) == 2
    await server.wait(1)
    kept = [segment["timerange"] for segment in await server.read(path)]
    assert kept == [post["timerange"] for post in posts]


async def test_requests_are_listed_in_pages_in_either_order(server):
    ends = []
    for _ in range(2):
        (await server.delete(f"/flows/{await long_flow(server)}")).is_status(202)
        await server.wait(10)
    for _ in range(2):
        flow_id = await long_flow(server)
        (await server.delete(f"/flows/{flow_id}/segments")).is_status(202)
        ends.append(flow_id)
    for sort in ("created", "expiry"):
        for reverse in ("false", "true"):
            asked = f"{REQUESTS}?sort_by={sort}&reverse_order={reverse}"
            whole = await server.read(asked)
            keys = [(item.get(sort, ""), item["id"]) for item in whole]
            later = [(b, a) if reverse == "true" else (a, b) for a, b in pairwise(keys)]
            assert all(a[0] > b[0] or (a[0] == b[0] and a[1] < b[1]) for a, b in later)
            paged, url = [], f"{asked}&limit=1"
            while url:
                answer = (await server.get(url)).is_status(200)
                paged += answer.json
                key = answer.headers.get("X-Paging-NextKey")
                url = key and f"{asked}&limit=1&page={key}"
            assert paged == whole
    open_ones = (await server.read(f"{REQUESTS}?sort_by=expiry"))[-2:]
    assert {item["flow_id"] for item in open_ones} == set(ends)
    assert (await server.head(REQUESTS)).is_status(200).headers["X-Paging-Count"] == str(len(whole))


@pytest.mark.parametrize("asked", ["sort_by=updated", "sort_by=label", "page=x", "limit=0"])
async def test_a_bad_question_is_refused(server, asked):
    answer = await server.get(f"{REQUESTS}?{asked}")
    assert answer.status == 400
    assert answer.json["summary"].startswith(asked.partition("=")[0])


async def test_an_unknown_request_is_not_found(server):
    for name in (new_id(), "none"):
        (await server.get(f"{REQUESTS}/{name}")).is_status(404)
        (await server.head(f"{REQUESTS}/{name}")).is_status(404)
    (await server.delete(f"{REQUESTS}/{new_id()}")).is_status(405)
