"""Behind pgbouncer in transaction mode the catalogue keeps its promises: a part of them, again.

Each transaction may meet another server process, with whatever an earlier one has left there.
"""

from __future__ import annotations

import asyncio
import shutil

import asyncpg
import pytest

from tams.catalogue.connect import catalogue as connect
from tams.catalogue.connect import migrate
from tests.catalogue.building import add_flows, get_flow, make_flow, register

# Run again here, on the catalogue of this file.
from tests.catalogue.test_jobs import *  # noqa: F403
from tests.catalogue.test_segments import *  # noqa: F403
from tests.pooler import PORT, throw_away_pooler

LEFT = (
    "SELECT current_setting('statement_timeout')",
    "SELECT count(*) FROM pg_prepared_statements",
)


@pytest.fixture(scope="module")
def pooler(postgres_server):
    if shutil.which("pgbouncer") is None:
        pytest.skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    with throw_away_pooler(postgres_server) as folder:
        yield folder


@pytest.fixture
def url(postgres_url, pooler):
    return f"postgresql:///tams?host={pooler}&port={PORT}&user=tams"


@pytest.fixture
async def catalogue(url):
    opened = connect(url, connections=4, pooled=True)
    await opened.open()
    yield opened
    await opened.close()


async def test_many_clients_share_few_connections(url, postgres_url):
    """And nothing of theirs stays on those."""
    several = [connect(url, connections=4, pooled=True) for _ in range(3)]
    for each in several:
        await each.open()
    flows = [make_flow() for _ in range(12)]

    async def use(number, flow):
        mine, other = several[number % 3], several[(number + 1) % 3]
        await add_flows(mine, flow)
        await register(other, flow.id, "[0:0_1:0)", "[1:0_2:0)")
        assert await get_flow(other, flow.id) is not None

    await asyncio.gather(*(use(number, flow) for number, flow in enumerate(flows)))
    for each in several:
        await each.close()
    database = await asyncpg.connect(url, statement_cache_size=0)
    async with database.transaction():
        assert [await database.fetchval(text) for text in LEFT] == ["0", 0]
    await database.close()


async def test_it_migrates(url):
    database = await asyncpg.connect(url, statement_cache_size=0)
    await database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await database.close()
    await asyncio.gather(migrate(url), migrate(url))
    opened = connect(url, pooled=True)
    await opened.open()
    await opened.ping()
    await opened.close()
