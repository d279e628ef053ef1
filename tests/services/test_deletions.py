"""Deletions at once and behind the answer, and what requests say of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import ceil

import apsw
import pytest

from tams.domain.access import ANYONE, Principal
from tams.domain.objects import Instance
from tams.domain.pages import PageRequest
from tams.domain.segments import NewSegment, SegmentQuery
from tams.domain.timerange import SECOND, TimeRange
from tams.errors import FlowReadOnly, NotFound
from tams.services.deletions import PATIENCE, RETRY, SLICE, Deletions
from tams.services.queue import LEASE, Queue
from tests.catalogue.building import get_flow, get_object
from tests.services.conftest import RETENTION, URL_LIFETIME

LONG = 2100
LEFT = 50


def with_threshold(house, threshold: int) -> Deletions:
    """The same service with another threshold."""
    return Deletions(
        house.catalogue,
        house.clock,
        url_lifetime=URL_LIFETIME,
        threshold=threshold,
        retention=RETENTION,
    )


async def long_flow(house, number: int = LONG, **known) -> str:
    """A Flow of that many Segments of a second each."""
    flow_id = await house.flow(**known)
    await house.fill(flow_id, number)
    return flow_id


def seconds(start: int, end: int) -> list[str]:
    return [f"[{at}:0_{at + 1}:0)" for at in range(start, end)]


async def step(house) -> bool:
    """Do one slice."""
    return await Queue(house.catalogue, house.clock, house.deletions.handlers).run_due()


async def told(house, flow_id: str, before: int) -> list[tuple[str, str]]:
    events = (await house.events(flow_id))[before:]
    return [(event.type, str(event.timerange)) for event in events]


async def deletions_of(house, flow_id: str) -> int:
    """How many requests the row of the Flow says are open."""
    return (await house.catalogue.write(lambda tx: tx.flows.lock(flow_id))).deletions


@pytest.mark.parametrize(
    ("number", "threshold", "later"),
    [(5, 5, False), (6, 5, True), (0, 0, False), (1, 0, True)],
)
async def test_more_than_the_threshold_is_deleted_behind_the_answer(
    house, number, threshold, later
):
    deletions = with_threshold(house, threshold)
    flow_id = await long_flow(house, number)
    house.deletions = deletions
    request = await house.delete(flow_id)
    assert (request is not None) == later
    assert len(await house.timeranges(flow_id)) == (number if later else 0)
    await house.work_off()
    assert await house.timeranges(flow_id) == []
    other = await house.flow()
    posts = [
        NewSegment(
            object_id=f"x{at}",
            timerange=TimeRange(at * SECOND, (at + 1) * SECOND),
            get_urls=(Instance(url="https://media.example/x"),),
        )
        for at in range(number)
    ]
    await house.segments.add(ANYONE, other, posts)
    assert (await deletions.delete_flow(ANYONE, other) is not None) == later


async def test_below_a_high_threshold_all_is_deleted_before_the_answer(house):
    house.deletions = with_threshold(house, LONG)
    flow_id = await long_flow(house)
    before = len(await house.events(flow_id))
    assert await house.delete(flow_id, "[0:0_2050:500000000)") is None
    assert await house.timeranges(flow_id) == seconds(LONG - LEFT, LONG)
    assert await told(house, flow_id, before) == [
        ("flows/segments_deleted", "[0:0_1000:0)"),
        ("flows/segments_deleted", "[1000:0_2000:0)"),
        ("flows/segments_deleted", "[2000:0_2050:0)"),
    ]


async def test_a_deletion_of_nothing_tells_nobody(house):
    flow_id = await long_flow(house, 1)
    before = await house.events(flow_id), await get_flow(house.catalogue, flow_id)
    assert await house.delete(flow_id, "[5:0_6:0)") is None
    assert await house.delete(flow_id, "()") is None
    assert await house.delete(flow_id, "_", "no such object") is None
    assert (await house.events(flow_id), await get_flow(house.catalogue, flow_id)) == before


async def test_a_request_tells_how_far_it_is_and_disappears(house):
    flow_id = await long_flow(house)
    who = Principal("editor")
    before = len(await house.events(flow_id))
    accepted = await house.deletions.delete_segments(
        who, flow_id, SegmentQuery(TimeRange.parse("[0:500000000_2050:500000000)"))
    )
    assert (accepted.status, accepted.created_by, accepted.delete_flow) == (
        "created",
        "editor",
        False,
    )
    assert str(accepted.timerange) == "[0:500000000_2050:500000000)"
    assert str(accepted.remaining) == "[1:0_2050:0)"
    assert await house.deletions.get(accepted.id) == accepted
    assert await deletions_of(house, flow_id) == 1
    house.clock.now += timedelta(seconds=1)
    assert await step(house)
    started = await house.deletions.get(accepted.id)
    left = TimeRange((1 + SLICE) * SECOND, 2050 * SECOND)
    assert started == replace(accepted, status="started", remaining=left, updated=house.clock.now)
    assert await house.timeranges(flow_id) == [*seconds(0, 1), *seconds(1 + SLICE, LONG)]
    assert await house.work_off() == ceil(2049 / SLICE) - 1
    done = await house.deletions.get(accepted.id)
    assert (done.status, done.remaining, done.error) == ("done", None, None)
    assert done.expiry == house.clock.now + RETENTION
    assert await deletions_of(house, flow_id) == 0
    assert await house.timeranges(flow_id) == [*seconds(0, 1), *seconds(LONG - LEFT, LONG)]
    events = await told(house, flow_id, before)
    assert {kind for kind, _ in events} == {"flows/segments_deleted"}
    assert events[0][1] == f"[1:0_{1 + SLICE}:0)"
    assert len(events) == ceil(2049 / SLICE)
    house.clock.now += RETENTION - timedelta(seconds=1)
    assert not await house.deletions.expire()
    assert (await house.deletions.list(PageRequest(10))).items == [done]
    house.clock.now += timedelta(seconds=1)
    assert (await house.deletions.list(PageRequest(10))).items == []
    with pytest.raises(NotFound, match="there is no deletion request"):
        await house.deletions.get(accepted.id)
    assert await house.deletions.expire()
    assert not await house.deletions.expire()


async def test_a_long_flow_is_gone_at_once_and_its_rows_slice_by_slice(house):
    flow_id = await long_flow(house)
    accepted = await house.deletions.delete_flow(ANYONE, flow_id)
    assert (accepted.delete_flow, str(accepted.timerange)) == (True, "_")
    assert str(accepted.remaining) == f"[0:0_{LONG}:0)"
    assert await get_flow(house.catalogue, flow_id) is None
    assert await get_object(house.catalogue, "o7") is None
    assert await house.timeranges(flow_id) == []
    assert await step(house)
    assert str((await house.deletions.get(accepted.id)).remaining) == f"[{SLICE}:0_{LONG}:0)"
    assert await house.work_off() == ceil(LONG / SLICE) - 1
    done = await house.deletions.get(accepted.id)
    assert (done.status, done.remaining) == ("done", None)
    assert done.expiry == house.clock.now + RETENTION
    house.clock.now += URL_LIFETIME
    await house.work_off()
    assert await house.taken("o0", f"o{LONG - 1}") == frozenset()


async def test_a_deletion_that_is_refused_leaves_no_request(house):
    flow_id = await long_flow(house, read_only=False)
    await house.flows.set_read_only(ANYONE, flow_id, read_only=True)
    with pytest.raises(FlowReadOnly):
        await house.delete(flow_id)
    with pytest.raises(FlowReadOnly):
        await house.deletions.delete_flow(ANYONE, flow_id)
    assert (await house.deletions.list(PageRequest(10))).items == []


async def test_what_was_accepted_goes_on_though_the_flow_becomes_read_only(house):
    flow_id = await long_flow(house)
    request = await house.delete(flow_id)
    await step(house)
    await house.flows.set_read_only(ANYONE, flow_id, read_only=True)
    await house.work_off()
    assert (await house.deletions.get(request.id)).status == "done"
    assert await house.timeranges(flow_id) == []


async def test_segments_registered_after_the_request_stay(house):
    flow_id = await long_flow(house)
    request = await house.delete(flow_id)
    assert await house.post(flow_id, "late", "[-5:0_-4:0)", **external()) is None
    assert await house.post(flow_id, "later", f"[{LONG}:0_{LONG + 1}:0)", **external()) is None
    assert (
        await house.post(flow_id, "amid", "[1500:250000000_1500:500000000)", **external()) is None
    )
    await house.work_off()
    assert (await house.deletions.get(request.id)).status == "done"
    assert await house.timeranges(flow_id) == [
        "[-5:0_-4:0)",
        "[1500:250000000_1500:500000000)",
        f"[{LONG}:0_{LONG + 1}:0)",
    ]


def external() -> dict[str, object]:
    return {"get_urls": (Instance(url="https://media.example/x"),)}


async def test_a_new_segment_takes_the_place_of_doomed_ones(house):
    flow_id = await long_flow(house)
    await house.delete(flow_id, "[10:0_2100:0)")
    before = len(await house.events(flow_id))
    assert "overlaps" in await house.post(flow_id, "x", "[9:0_10:0)", **external())
    assert "overlaps" in await house.post(flow_id, "x", "[9:500000000_11:0)", **external())
    assert await get_object(house.catalogue, "o10") is None
    assert await house.post(flow_id, "x", "[20:500000000_22:500000000)", **external()) is None
    assert await house.timeranges(flow_id, "[19:0_25:0)") == [
        *seconds(19, 20),
        "[20:500000000_22:500000000)",
        *seconds(23, 25),
    ]
    assert await told(house, flow_id, before) == [
        ("flows/segments_deleted", "[10:0_11:0)"),
        ("flows/segments_deleted", "[20:0_23:0)"),
        ("flows/segments_added", "None"),
    ]
    assert await get_object(house.catalogue, "o21") is None
    await house.work_off()
    assert await house.timeranges(flow_id) == [*seconds(0, 10), "[20:500000000_22:500000000)"]


async def test_one_that_is_posted_again_while_doomed_needs_an_object_again(house):
    """As it does once the deletion is done: the Object went with its last Segment."""
    flow_id = await long_flow(house)
    await house.delete(flow_id)
    assert "there is no Object o7" in await house.post(flow_id, "o7", "[7:0_8:0)")


async def test_a_segment_over_more_than_one_work_may_delete(house):
    flow_id = await long_flow(house)
    await house.delete(flow_id)
    assert await house.post(flow_id, "x", f"[0:500000000_{LONG}:0)", **external()) is None
    assert await house.timeranges(flow_id) == [f"[0:500000000_{LONG}:0)"]
    await house.work_off()
    assert await house.timeranges(flow_id) == [f"[0:500000000_{LONG}:0)"]


async def test_a_batch_takes_the_places_of_doomed_ones(house):
    flow_id = await long_flow(house)
    await house.delete(flow_id)
    half = SECOND // 2
    posts = [
        NewSegment(
            object_id=f"x{at}", timerange=TimeRange(at * half, (at + 1) * half), **external()
        )
        for at in range(1500)
    ]
    assert not await house.segments.add(ANYONE, flow_id, posts)
    await house.work_off()
    assert len(await house.timeranges(flow_id)) == 1500


async def test_what_lies_beside_the_doomed_is_in_the_way_as_ever(house):
    flow_id = await long_flow(house)
    await house.delete(flow_id, "[0:0_2050:0)")
    assert "overlaps" in await house.post(flow_id, "x", "[2060:0_2061:0)", **external())
    assert len(await house.timeranges(flow_id)) == LONG


async def test_a_flow_that_is_deleted_takes_its_open_deletions_along(house):
    flow_id = await long_flow(house)
    part = await house.delete(flow_id)
    await step(house)
    whole = await house.deletions.delete_flow(ANYONE, flow_id)
    await house.flow(id=flow_id)
    assert await house.post(flow_id, "new", "[7:0_8:0)", **external()) is None
    await house.work_off()
    for request in (part, whole):
        done = await house.deletions.get(request.id)
        assert (done.status, done.remaining) == ("done", None)
    assert await house.timeranges(flow_id) == ["[7:0_8:0)"]
    assert await deletions_of(house, flow_id) == 0


async def test_two_deletions_that_overlap_each_come_to_their_end(house):
    flow_id = await long_flow(house)
    first = await house.delete(flow_id, "[0:0_1500:0)")
    await house.post(flow_id, "x", "[700:250000000_700:500000000)", **external())
    second = await house.delete(flow_id, "[500:0_2100:0)")
    assert await deletions_of(house, flow_id) == 2
    await house.work_off()
    assert await house.timeranges(flow_id) == []
    for request in (first, second):
        assert (await house.deletions.get(request.id)).status == "done"
    assert await deletions_of(house, flow_id) == 0


async def test_a_deletion_of_one_object_leaves_the_others(house):
    house.deletions = with_threshold(house, 2)
    flow_id = await house.flow()
    await house.allocate(flow_id, "a", "b")
    for at in range(0, 8, 2):
        assert await house.post(flow_id, "a", f"[{at}:0_{at + 1}:0)", ts_offset=at * SECOND) is None
        odd = at + 1
        assert (
            await house.post(flow_id, "b", f"[{odd}:0_{odd + 1}:0)", ts_offset=odd * SECOND) is None
        )
    request = await house.delete(flow_id, "[0:0_6:0)", "a")
    assert str(request.remaining) == "[0:0_5:0)"
    assert "overlaps" in await house.post(flow_id, "x", "[1:0_2:0)", **external())
    assert await house.post(flow_id, "x", "[4:0_5:0)", **external()) is None
    await house.work_off()
    assert await house.timeranges(flow_id) == [
        *seconds(1, 2),
        *seconds(3, 8),
    ]


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
    late = await house.catalogue.write(lambda tx: tx.jobs.claim(now, now + LEASE))
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


def break_deletion(house) -> apsw.Connection:
    """Let the engine refuse to delete the Segment at 600 s, as a damaged file might."""
    database = house.catalogue._writer._database
    database.execute(
        "CREATE TRIGGER damaged BEFORE DELETE ON segment WHEN OLD.start_ns = 600000000000 "
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
