"""Deletions at once and behind the answer, and what requests say of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import ceil

import pytest

from tams.domain.access import ANYONE, Principal
from tams.domain.pages import PageRequest
from tams.domain.segments import NewSegment, SegmentQuery
from tams.domain.timerange import SECOND, TimeRange
from tams.errors import FlowReadOnly, NotFound
from tams.services.deletions import SLICE
from tests.catalogue.building import get_flow, get_object
from tests.services.conftest import RETENTION, URL_LIFETIME
from tests.services.deleting import (
    LONG,
    deletions_of,
    external,
    long_flow,
    seconds,
    step,
    told,
    with_threshold,
)

LEFT = 50


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
            **external(),
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
