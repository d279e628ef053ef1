"""Deletions whose worker stops, comes late or fails: they go on, or say why they do not."""

from __future__ import annotations

import json
from math import ceil

import apsw
import pytest

from tams.domain.access import ANYONE
from tams.services.deletions import PATIENCE, RETRY, SLICE
from tams.services.queue import LEASE
from tams.wire.deletions import request_json
from tests.services.conftest import RETENTION
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


DAMAGE = (
    "CREATE TRIGGER damaged BEFORE DELETE ON segment WHEN OLD.start_ns = 600000000000 "
    "BEGIN SELECT RAISE(ABORT, 'damaged'); END"
)


def break_deletion(house) -> apsw.Connection:
    """Let the engine refuse to delete the Segment at 600 s, as a damaged file might."""
    database = house.catalogue._writer._database
    database.execute(DAMAGE)
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
    database = break_deletion(house)
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
    database = break_deletion(house)
    request = await house.delete(flow_id)
    with pytest.raises(apsw.ConstraintError):
        await house.work_off()
    failing = await house.deletions.get(request.id)
    assert "error" not in json.loads(request_json(failing))
    database.execute("DROP TRIGGER damaged")
    house.clock.now += RETRY
    assert await step(house)
    house.clock.now += PATIENCE
    database.execute(DAMAGE.replace("600000", "1600000"))
    with pytest.raises(apsw.ConstraintError):
        await house.work_off()
    assert (await house.deletions.get(request.id)).status == "started"
