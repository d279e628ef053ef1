"""Every DELETE of the standard answers 204 for now: what is large is removed behind the answer."""

from __future__ import annotations

import pytest
from fastapi.routing import iter_route_contexts

from tams.conformance.server import new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def furnished(server):
    """The path of every DELETE, for a Flow that has all there is; the last removes the Flow."""
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
        if "DELETE" in route.methods and route.path.startswith(("/flows/", "/sources/")):
            _, noun, _, *rest = route.path.split("/")
            names = ["x" if "{" in part else part for part in rest]
            found.append("/".join(["", noun, ids[noun], *names]))
    return sorted(found, reverse=True)


async def test_every_delete_answers_204(server):
    paths = await furnished(server)
    assert len(paths) >= 10
    for path in paths:
        answer = (await server.delete(path)).is_status(204)
        assert answer.body == b""
    (await server.get(paths[-1])).is_status(404)


async def test_the_delete_of_a_flow_with_many_segments_is_a_204_too(server):
    flow_id = (await server.flow())["id"]
    batch = [
        {
            "object_id": new_id(),
            "timerange": f"[{at}:0_{at + 1}:0)",
            "get_urls": [{"url": f"https://media.example/{at}", "label": "elsewhere"}],
        }
        for at in range(5000)
    ]
    (await server.post(f"/flows/{flow_id}/segments", batch)).is_status(201)
    (await server.delete(f"/flows/{flow_id}/segments?timerange=[0:0_2500:0)")).is_status(204)
    assert len(await server.read(f"/flows/{flow_id}/segments?limit=1000")) == 1000
    (await server.delete(f"/flows/{flow_id}")).is_status(204)
    (await server.get(f"/flows/{flow_id}")).is_status(404)
    assert await server.read(f"/flows/{flow_id}/segments") == []
