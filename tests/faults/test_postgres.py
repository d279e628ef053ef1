"""A PostgreSQL server that is restarted, stopped, full or read-only while requests run."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from tams.catalogue.connect import migrate
from tams.conformance.server import Answer
from tests.postgres import PostgresServer, find_binaries, throw_away_server
from tests.serving import CheckedServer, serving

WRITERS = 6
CONNECTIONS = 20


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """A server that may be treated as its tests like."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with throw_away_server(binaries) as server:
        with (server.folder / "data" / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"max_connections = {CONNECTIONS}\n")
        server.stop()
        server.resume()
        yield server


@pytest.fixture(scope="module")
def url(own_server: PostgresServer) -> str:
    """A database of that server, with the schema."""
    url = own_server.create("faults")
    asyncio.run(migrate(url))
    return url


@pytest.fixture
async def server(tmp_path: Path, url: str) -> AsyncIterator[CheckedServer]:
    """A server on it that has little patience."""
    async with serving(tmp_path, url, time_limit="1", database_timeout="1") as server:
        yield server


def is_passing(answer: Answer) -> bool:
    """Whether it asks to come again; nothing but that and success may be."""
    if answer.status == 503:
        assert answer.headers["Retry-After"] == "1"
        assert answer.json["type"] in ("Busy", "OutcomeUnknown")
    return answer.status == 503


class Writers:
    """Clients that register Segments, and repeat what was told to come again."""

    def __init__(self, server: CheckedServer) -> None:
        self._server = server
        self.registered: list[str] = []
        self.refusals = 0
        self.more = asyncio.Event()

    async def write(self, flow_id: str, until: asyncio.Event) -> None:
        number = 0
        while not until.is_set():
            body = {
                "object_id": f"{flow_id}/{number}",
                "timerange": f"[{number}:0_{number + 1}:0)",
                "get_urls": [{"url": "https://media.example/a", "label": "there"}],
            }
            answer = await self._server.post(f"/flows/{flow_id}/segments", body)
            if is_passing(answer):
                self.refusals += 1
                continue
            answer.is_status(201)
            self.registered.append(body["object_id"])
            self.more.set()
            self.more.clear()
            number += 1


@asynccontextmanager
async def writing(server: CheckedServer) -> AsyncIterator[Writers]:
    """Writers at work during the block; then nothing may be lost or there twice."""
    flow_ids = [(await server.flow())["id"] for _ in range(WRITERS)]
    writers, done = Writers(server), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for flow_id in flow_ids:
            group.create_task(writers.write(flow_id, done))
        await progress(writers)
        yield writers
        await progress(writers)
        done.set()
    listed = []
    for flow_id in flow_ids:
        segments = await server.read(f"/flows/{flow_id}/segments?limit=1000")
        listed += [segment["object_id"] for segment in segments]
    assert sorted(listed) == sorted(writers.registered)


async def progress(writers: Writers) -> None:
    """Wait until some more is registered."""
    enough = len(writers.registered) + 2 * WRITERS
    async with asyncio.timeout(30):
        while len(writers.registered) < enough:
            await writers.more.wait()


def backends(server: PostgresServer) -> list[int]:
    """The first process of a server, and all that it has begun."""
    first = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    return [first, *map(int, children)]


async def test_a_restart_loses_nothing(server: CheckedServer, own_server: PostgresServer) -> None:
    async with writing(server) as writers:
        for mode in ("immediate", "fast"):
            await asyncio.to_thread(
                own_server.run, "pg_ctl", "stop", "--pgdata=data", f"--mode={mode}"
            )
            assert is_passing(await server.get("/flows"))
            (await server.get("/health")).is_status(503)
            (await server.get("/health/live")).is_status(200)
            await asyncio.to_thread(own_server.resume)
            await progress(writers)
    assert writers.refusals
    (await server.get("/health")).is_status(200)


async def test_connections_that_are_cut_lose_nothing(server: CheckedServer, url: str) -> None:
    admin = await asyncpg.connect(url)
    async with writing(server) as writers:
        for _ in range(5):
            await admin.execute(
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            await progress(writers)
    await admin.close()


async def test_a_server_that_hangs_keeps_nobody_waiting(
    server: CheckedServer, own_server: PostgresServer
) -> None:
    flow_id = (await server.flow())["id"]
    stopped = backends(own_server)
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    try:
        async with asyncio.timeout(20):
            answers = await asyncio.gather(
                *(server.get("/flows") for _ in range(12)),
                server.put(f"/flows/{flow_id}/label", "lost"),
                server.get("/health"),
            )
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)
    assert all(map(is_passing, answers[:-1]))
    async with writing(server):
        pass


async def connections(url: str) -> list[asyncpg.Connection]:
    """All that the server has left."""
    taken = []
    with suppress(asyncpg.TooManyConnectionsError):
        for _ in range(CONNECTIONS):
            taken.append(await asyncpg.connect(url))  # noqa: PERF401 - the last one raises
    return taken


async def test_a_server_without_a_free_connection_is_busy(server: CheckedServer, url: str) -> None:
    others = await connections(url)
    answers = await asyncio.gather(*(server.get("/flows") for _ in range(12)))
    assert {200, 503} == {answer.status for answer in answers}
    assert any(map(is_passing, answers))
    for one in others:
        await one.close()
    async with writing(server):
        pass


async def test_a_read_only_server_is_read(server: CheckedServer, url: str) -> None:
    flow_id = (await server.flow())["id"]
    admin = await asyncpg.connect(url)
    name = await admin.fetchval("SELECT current_database()")
    await admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await admin.execute(
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    (await server.get(f"/flows/{flow_id}")).is_status(200)
    assert is_passing(await server.put(f"/flows/{flow_id}/label", "lost"))
    await admin.execute("SET default_transaction_read_only = off")
    await admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    await admin.close()
    # No connection that was begun meanwhile is kept.
    await server.set(f"/flows/{flow_id}/label", "written")
