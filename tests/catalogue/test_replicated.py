"""A replica may be asked for listings alone, and is missed by nobody.

Here it is a database of its own, that never hears of anything: so one sees who is asked.
"""

from __future__ import annotations

import asyncio

import pytest

from tams.catalogue.connect import catalogue as connect
from tams.catalogue.connect import migrate
from tams.catalogue.sql.postgres import PostgresCatalogue
from tams.catalogue.sql.replicated import ReplicatedCatalogue
from tams.catalogue.sql.sqlite import SQLiteCatalogue
from tams.conformance.server import flow_body
from tams.domain.service import ServiceDescription
from tams.errors import BadSettings
from tests.serving import serving

AWAY = "postgresql:///x?host=/nowhere"


@pytest.fixture
def replica_url(empty_postgres_url):
    asyncio.run(migrate(empty_postgres_url))
    return empty_postgres_url


async def test_only_listings_of_sources_and_flows_ask_it(tmp_path, postgres_url, replica_url):
    async with serving(tmp_path, postgres_url, read_replica=replica_url) as server:
        flow = flow_body("data")
        path = f"/flows/{flow['id']}"
        assert (await server.request("PUT", path, flow)).status == 201
        assert (await server.request("GET", "/flows")).json == []
        assert (await server.request("GET", "/sources")).json == []
        for found in (path, f"{path}/segments", f"/sources/{flow['source_id']}", "/service"):
            assert (await server.request("GET", found)).status == 200
        assert (await server.request("DELETE", path)).status == 204


async def name_of(catalogue):
    return (await catalogue.browse(lambda tx: tx.service.get())).name


async def test_while_it_is_away_the_primary_is_asked(postgres_url, replica_url):
    now = 0.0
    replica = PostgresCatalogue(AWAY)
    catalogue = ReplicatedCatalogue(PostgresCatalogue(postgres_url), replica, lambda: now)
    await catalogue.open()
    await catalogue.write(lambda tx: tx.service.replace(ServiceDescription("primary")))
    assert await name_of(catalogue) == "primary"
    replica._url = replica_url
    now = 9.0
    assert await name_of(catalogue) == "primary"
    now = 11.0
    assert await name_of(catalogue) is None
    await catalogue.ping()
    await catalogue.close()


@pytest.fixture
async def silent():
    """A server that never answers: its URL, and the connections that have come."""
    came: asyncio.Queue[None] = asyncio.Queue()

    async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.put_nowait(None)
        while await reader.read(1000):
            pass
        writer.close()

    server = await asyncio.start_server(be_silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://127.0.0.1:{port}/x?sslmode=disable", came


async def test_who_goes_while_it_is_opened_leaves_nothing_behind(silent):
    now = 0.0
    url, came = silent
    replica = PostgresCatalogue(url)
    catalogue = ReplicatedCatalogue(SQLiteCatalogue(":memory:"), replica, lambda: now)
    await catalogue.open()
    first = asyncio.create_task(name_of(catalogue))
    async with asyncio.timeout(20):
        await came.get()
    now = 11.0
    assert await name_of(catalogue) is None
    assert came.empty()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert replica._pool is None
    now = 20.0
    assert await name_of(catalogue) is None
    now = 22.0
    again = asyncio.create_task(name_of(catalogue))
    async with asyncio.timeout(20):
        await came.get()
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)
    await catalogue.close()


@pytest.mark.parametrize(
    ("url", "replica"), [("sqlite:///x", AWAY), ("postgresql:///x", "sqlite:///x")]
)
def test_both_are_postgresql(url, replica):
    with pytest.raises(BadSettings, match="TAMS_READ_REPLICA"):
        connect(url, replica=replica)
