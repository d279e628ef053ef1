"""Deletions whose worker stops, comes late or fails: they go on, or say why they do not."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from math import ceil

import apsw
import asyncpg
import pytest

from tams.catalogue.sql.postgres import PostgresCatalogue
from tams.domain.access import ANYONE
from tams.domain.segments import SegmentQuery
from tams.domain.timerange import SECOND, TimeRange
from tams.errors import StorageFailed
from tams.services.deletions import PATIENCE, RETRY, SLICE, Deletions
from tams.services.queue import LEASE
from tams.wire.deletions import request_json
from tests.catalogue.building import add_flows, make_flow, new_id, register
from tests.services.conftest import RETENTION, URL_LIFETIME, Clock
from tests.services.deleting import LONG, deletions_of, external, long_flow, step


async def test_a_deletion_that_a_worker_left_behind_is_taken_up_by_another(house):
    flow_id = await long_flow(house)
    request = await house.delete(flow_id)
    await step(house)
    now = house.clock.now
    assert await house.catalogue.write(lambda tx: tx.jobs.claim(now, now + LEASE))
    assert not await step(house)
    house.clock.now += LEASE
    await house.work_off()
    assert (await house.deletions.get(request.id)).status == "done"
    assert await house.timeranges(flow_id) == []


@pytest.mark.parametrize("whole", [False, True])
async def test_a_worker_whose_lease_ran_out_does_no_harm(house, whole):
    flow_id = await long_flow(house)
    delete = house.deletions.delete_flow(ANYONE, flow_id) if whole else house.delete(flow_id)
    request = await delete
    now = house.clock.now
    (late,) = await house.catalogue.write(lambda tx: tx.jobs.claim(now, now + LEASE))
    house.clock.now += LEASE
    await step(house)
    handler = house.deletions.handlers[late.kind]
    await handler(late)
    left = (await house.deletions.get(request.id)).remaining
    assert str(left) == f"[{2 * SLICE}:0_{LONG}:0)"
    assert await house.work_off() == ceil(LONG / SLICE) - 2
    await handler(late)
    done = await house.deletions.get(request.id)
    assert (done.status, done.expiry) == ("done", house.clock.now + RETENTION)


def break_deletion(house, seconds: int = 600) -> apsw.Connection:
    """Let the engine refuse to delete the Segment at that time, as a damaged file might."""
    database = house.catalogue._writer._database
    database.execute(
        f"CREATE TRIGGER damaged BEFORE DELETE ON segment WHEN OLD.start_ns = {seconds}000000000 "
        "BEGIN SELECT RAISE(ABORT, 'damaged'); END"
    )
    return database


@pytest.mark.parametrize("whole", [False, True])
async def test_a_deletion_that_fails_for_long_says_why(house, whole):
    flow_id = await long_flow(house)
    database = break_deletion(house)
    delete = house.deletions.delete_flow(ANYONE, flow_id) if whole else house.delete(flow_id)
    request = await delete
    good = 600 // SLICE
    for _ in range(good):
        assert await step(house)
    for wait in (RETRY, PATIENCE):
        with pytest.raises(apsw.ConstraintError):
            await step(house)
        assert (await house.deletions.get(request.id)).status == "started"
        assert not await step(house)
        house.clock.now += wait
    with pytest.raises(apsw.ConstraintError):
        await step(house)
    failed = await house.deletions.get(request.id)
    assert (failed.status, failed.expiry) == ("error", house.clock.now + RETENTION)
    assert (failed.error.type, failed.error.time) == ("InternalError", house.clock.now)
    assert failed.error.summary == "the server failed; its log says why"
    assert str(failed.remaining) == f"[{good * SLICE}:0_{LONG}:0)"
    house.clock.now += RETRY
    if whole:
        with pytest.raises(apsw.ConstraintError):
            await step(house)
    else:
        assert not await step(house)
        assert await deletions_of(house, flow_id) == 0
        assert "overlaps" in await house.post(flow_id, "x", "[700:0_701:0)", **external())
    database.execute("DROP TRIGGER damaged")
    house.clock.now += RETRY
    await house.work_off()
    assert len(await house.timeranges(flow_id)) == (0 if whole else LONG - good * SLICE)


async def test_a_deletion_that_failed_for_a_while_goes_on(house):
    flow_id = await long_flow(house)
    database = break_deletion(house)
    request = await house.delete(flow_id)
    with pytest.raises(apsw.ConstraintError):
        await house.work_off()
    database.execute("DROP TRIGGER damaged")
    house.clock.now += RETRY
    await house.work_off()
    assert (await house.deletions.get(request.id)).status == "done"


async def test_workers_that_were_away_for_long_give_nothing_up(house):
    """From Friday to Monday nobody worked, and on Monday the first slice fails."""
    flow_id = await long_flow(house)
    database = break_deletion(house, 1)
    request = await house.delete(flow_id)
    house.clock.now += 3 * PATIENCE
    with pytest.raises(apsw.ConstraintError):
        await house.work_off()
    database.execute("DROP TRIGGER damaged")
    house.clock.now += RETRY
    await house.work_off()
    done = await house.deletions.get(request.id)
    assert (done.status, done.error) == ("done", None)


async def test_a_slice_that_went_ends_the_failures_before_it(house):
    flow_id = await long_flow(house)
    database = break_deletion(house, 1)
    request = await house.delete(flow_id)
    with pytest.raises(apsw.ConstraintError):
        await house.work_off()
    failing = await house.deletions.get(request.id)
    assert "error" not in json.loads(request_json(failing))
    database.execute("DROP TRIGGER damaged")
    house.clock.now += RETRY
    assert await step(house)
    house.clock.now += PATIENCE
    break_deletion(house, SLICE + 1)
    with pytest.raises(apsw.ConstraintError):
        await house.work_off()
    assert (await house.deletions.get(request.id)).status == "started"


async def test_one_that_is_given_up_is_counted_beside_one_that_comes(postgres_url, admin):
    """Of the two, the second holds the Flow while the first is given up."""
    clock = Clock()
    catalogue = PostgresCatalogue(postgres_url, connections=3)
    await catalogue.open()
    deletions = Deletions(
        catalogue, clock, url_lifetime=URL_LIFETIME, threshold=0, retention=RETENTION
    )
    flow = make_flow()
    await add_flows(catalogue, flow)
    await register(catalogue, flow.id, "[0:0_1:0)", "[1:0_2:0)")
    first = await deletions.delete_segments(ANYONE, flow.id, SegmentQuery(TimeRange(0, SECOND)))
    (job,) = await catalogue.write(lambda tx: tx.jobs.claim(clock.now, clock.now + LEASE))
    await deletions._fail(job, StorageFailed("the disk is away"))
    clock.now += PATIENCE
    added, waited = asyncio.Event(), asyncio.Event()

    async def add_second(tx):
        locked = await tx.flows.lock(flow.id)
        await tx.deletions.add(replace(first, id=new_id(), ordinal=locked.ordinal))
        added.set()
        await waited.wait()

    adding = asyncio.create_task(catalogue.write(add_second))
    await added.wait()
    giving_up = asyncio.create_task(deletions._fail(job, StorageFailed("the disk is away")))
    while not (giving_up.done() or await someone_waits(admin)):
        pass
    waited.set()
    await asyncio.gather(adding, giving_up)
    assert (await deletions.get(first.id)).status == "error"
    assert (await catalogue.write(lambda tx: tx.flows.lock(flow.id))).deletions == 1
    await catalogue.close()


@pytest.fixture
async def admin(postgres_url):
    """A connection beside those of the catalogue."""
    opened = await asyncpg.connect(postgres_url)
    yield opened
    await opened.close()


async def someone_waits(admin):
    return await admin.fetchval(
        "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock')"
    )
