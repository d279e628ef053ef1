"""Setting all tags at once."""

from __future__ import annotations

import pytest

from tams.conformance.server import new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

TAGS = {"colour": ["red", "blue"], "place": "gate 4"}


@pytest.fixture(params=["flows", "sources"])
def kind(request):
    return request.param


async def _tagged(server, kind):
    flow = await server.flow(tags={"old": "yes", "place": "gate 3"})
    return f"/{kind}/{flow['id'] if kind == 'flows' else flow['source_id']}"


async def test_a039_a081_a_put_replaces_all_tags(server, kind):
    path = await _tagged(server, kind)
    await server.set(f"{path}/tags", TAGS)
    assert await server.read(f"{path}/tags") == TAGS
    assert (await server.read(path))["tags"] == TAGS
    (await server.get(f"{path}/tags/old")).is_status(404)
    await server.set(f"{path}/tags", {})
    assert await server.read(f"{path}/tags") == {}


@pytest.mark.parametrize("body", [[], "red", {"colour": 5}, {"colour": [None]}, {"a": "\0"}, None])
async def test_what_are_no_tags_is_refused_and_changes_nothing(server, kind, body):
    path = await _tagged(server, kind)
    before = await server.read(path)
    refusal = await server.put(f"{path}/tags", content=b"null" if body is None else None, body=body)
    assert refusal.is_status(400).json["summary"].startswith("tags")
    assert await server.read(path) == before


async def test_nothing_is_made_by_a_put(server, kind):
    (await server.put(f"/{kind}/{new_id()}/tags", TAGS)).is_status(404)


async def test_a_read_only_flow_keeps_its_tags(server):
    path = await _tagged(server, "flows")
    await server.set(f"{path}/read_only", True)
    (await server.put(f"{path}/tags", TAGS)).is_status(403)
    assert (await server.read(f"{path}/tags"))["old"] == "yes"
