"""Deletions that wait for another work, which changes what they are to delete."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from tams.catalogue.sql.postgres import PostgresCatalogue
from tams.domain.access import ANYONE
from tams.domain.trash import Manner
from tams.errors import Conflict
from tams.services.deletions import Deletions
from tams.services.soft_deletion import SoftDeletion
from tests.catalogue.building import NOON, add_sources, get_flow, make_flow, make_source

DAY = timedelta(days=1)


@pytest.fixture
async def postgres(postgres_url):
    catalogue = PostgresCatalogue(postgres_url, connections=4)
    await catalogue.open()
    yield catalogue
    await catalogue.close()


async def behind(postgres, url, work, late):
    """Begin a work, then one that has to wait for it; gives what the latter gave."""
    done, let = asyncio.Event(), asyncio.Event()

    async def held(tx):
        await work(tx)
        await tx.jobs.claim(NOON, NOON, (), 0)  # so that all is written that was held back
        done.set()
        await let.wait()

    first = asyncio.create_task(postgres.write(held))
    await done.wait()
    second = asyncio.create_task(late())
    admin = await asyncpg.connect(url)
    try:
        while not await admin.fetchval(
            "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock')"
        ):
            assert not second.done(), await second
    finally:
        let.set()
        await admin.close()
    await first
    return await second


@pytest.mark.parametrize("soft", [False, True])
async def test_a_flow_that_came_meanwhile_does_not_go_with_its_source(postgres, postgres_url, soft):
    deletions = Deletions(postgres, lambda: NOON, url_lifetime=DAY, threshold=1000, retention=DAY)
    deleting = SoftDeletion(postgres, deletions, lambda: NOON, url_lifetime=DAY)
    source = make_source()
    await add_sources(postgres, source)
    flow = make_flow(source_id=source.id)

    async def put(tx):
        await tx.sources.lock(source.id)
        await tx.flows.add(flow)

    manner = Manner(soft=soft, cascade=False, deleted_by=None)
    with pytest.raises(Conflict, match="1 Flows belong"):
        await behind(
            postgres,
            postgres_url,
            put,
            lambda: deleting.delete_source(ANYONE, source.id, manner),
        )
    assert (await get_flow(postgres, flow.id)).id == flow.id
