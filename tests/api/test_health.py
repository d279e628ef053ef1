"""`/health`: live and ready, each dependency with its state."""

from __future__ import annotations

import pytest

from tests.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

UP = {"catalogue": {"state": "up"}, "storage": {"state": "up"}}


async def test_a_live_server_says_so(server):
    answer = await server.get("/health/live")
    assert answer.is_status(200).json == {"status": "live", "live": True}


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
async def test_a_ready_server_lists_its_dependencies(server, path):
    answer = await server.get(path)
    body = {"status": "ready", "live": True, "ready": True, "dependencies": UP}
    assert answer.is_status(200).json == body
    (await server.head(path)).is_status(200)


async def test_a_server_without_its_storage_lives_but_is_not_ready(tmp_path):
    async with serving(tmp_path, f"sqlite:///{tmp_path}/catalogue.sqlite") as broken:
        (tmp_path / "hot").rename(tmp_path / "away")
        answer = (await broken.get("/health/ready")).is_status(503)
        assert answer.json["ready"] is False
        assert answer.json["dependencies"]["catalogue"] == {"state": "up"}
        assert answer.json["dependencies"]["storage"]["state"] == "down"
        assert answer.json["dependencies"]["storage"]["detail"]
        (await broken.get("/health/live")).is_status(200)
        (tmp_path / "away").rename(tmp_path / "hot")
        (await broken.get("/health")).is_status(200)
