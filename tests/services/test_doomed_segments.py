"""What clients meet and may register between a deletion request and its end."""

from __future__ import annotations

from tams.domain.access import ANYONE
from tams.domain.segments import NewSegment
from tams.domain.timerange import SECOND, TimeRange
from tests.catalogue.building import get_object
from tests.services.deleting import LONG, external, long_flow, seconds, told


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
