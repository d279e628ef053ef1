"""`/health`: live and ready, each dependency with its state."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest

from tams import __version__
from tests.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def names(server):
    """What requests need, by name: the catalogue, and each Storage Backend by its label or id."""
    backends = await server.read("/service/storage-backends")
    return {"catalogue", *(f"storage:{each.get('label', each['id'])}" for each in backends)}


async def test_a_live_server_says_so(server):
    answer = await server.get("/health/live")
    assert answer.is_status(200).json == {"status": "live", "live": True}


async def test_a_ready_server_lists_its_dependencies(server):
    answer = await server.get("/health/ready")
    up = {name: {"state": "up"} for name in await names(server)}
    body = {"status": "ready", "live": True, "ready": True, "dependencies": up}
    assert answer.is_status(200).json == body
    assert len(up) == 3
    (await server.head("/health/ready")).is_status(200)


async def test_a010_a_healthy_server_tells_its_version_its_time_and_how_it_fares(server):
    before = datetime.now(UTC)
    health = await server.read("/health")
    assert (health["status"], health["version"]) == ("healthy", __version__)
    assert before <= datetime.fromisoformat(health["timestamp"]) <= datetime.now(UTC)
    assert set(health["dependencies"]) == await names(server)
    for dependency in health["dependencies"].values():
        assert dependency.pop("latency_ms") >= 0
        assert dependency == {"state": "up"}
    system = health["system"]
    assert system["uptime_seconds"] > 0
    assert system["cpu_seconds"] > 0
    assert system["cpu_percent"] > 0
    if sys.platform == "linux":
        assert 1024**2 < system["memory_usage_bytes"] < system["memory_total_bytes"]
    (await server.head("/health")).is_status(200)


async def test_a_server_without_its_storage_lives_but_is_not_ready(tmp_path):
    async with serving(tmp_path, f"sqlite:///{tmp_path}/catalogue.sqlite") as broken:
        (tmp_path / "hot").rename(tmp_path / "away")
        answer = (await broken.get("/health/ready")).is_status(503)
        assert answer.json["ready"] is False
        assert answer.json["dependencies"]["catalogue"] == {"state": "up"}
        assert answer.json["dependencies"]["storage:hot"]["state"] == "down"
        assert answer.json["dependencies"]["storage:hot"]["detail"]
        health = (await broken.get("/health")).is_status(503).json
        states = sorted(each["state"] for each in health["dependencies"].values())
        assert (health["status"], health["ready"]) == ("unhealthy", False)
        assert states == ["down", "up", "up"]
        assert health["dependencies"]["storage:hot"]["latency_ms"] >= 0
        (await broken.get("/health/live")).is_status(200)
        (tmp_path / "away").rename(tmp_path / "hot")
        (await broken.get("/health")).is_status(200)
