"""`/sources`: derived from Flows, and writable in three places."""

from __future__ import annotations

import pytest

from tams.conformance.server import new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_source_lives_as_long_as_a_flow_names_it(server):
    """Statements 41 and 42."""
    source_id = new_id()
    first, second = [await server.flow(source_id=source_id) for _ in range(2)]
    await server.unset(f"/flows/{first['id']}")
    (await server.get(f"/sources/{source_id}")).is_status(200)
    await server.unset(f"/flows/{second['id']}")
    (await server.get(f"/sources/{source_id}")).is_status(404)
    assert source_id not in await server.ids("/sources", limit="1000")


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH"])
async def test_a_source_itself_is_not_writable(server, method):
    """Statement 41."""
    path = f"/sources/{(await server.flow())['source_id']}"
    before = await server.read(path)
    answer = (await server.request(method, path, {"label": "x"})).is_status(405)
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "DELETE"}
    assert await server.read(path) == before


@pytest.mark.parametrize("name", ["label", "description"])
async def test_words_are_set_read_and_unset(server, name):
    """Statements 44, 93, 94 and 97."""
    path = f"/sources/{(await server.flow())['source_id']}/{name}"
    assert await server.read(path) is None
    await server.set(path, "words")
    assert await server.read(path) == "words"
    for _ in range(2):
        await server.unset(path)
        assert await server.read(path) is None


@pytest.mark.parametrize("name", ["read_only", "max_bit_rate", "flow_collection", "segments"])
async def test_what_only_flows_have(server, name):
    """Statement 98."""
    path = f"/sources/{(await server.flow())['source_id']}/{name}"
    for method in ("GET", "PUT", "DELETE"):
        (await server.request(method, path, 1)).is_status(404)
