"""Registering, listing and deleting Segments, event by event and slice by slice."""

from __future__ import annotations

import pytest

from tams.domain.access import ANYONE
from tams.domain.objects import Instance
from tams.domain.pages import PageRequest
from tams.domain.segments import NewSegment, Segment, SegmentQuery
from tams.domain.storage import UrlFilter
from tams.domain.timerange import ETERNITY, TimeRange
from tams.errors import FlowReadOnly, Invalid, NotFound
from tests.catalogue.building import at, get_flow, new_id
from tests.services.conftest import BASE, HOT


async def test_a_registered_segment_is_listed_with_a_signed_url(house):
    flow_id = await house.flow()
    await house.allocate(flow_id, "a")
    assert await house.post(flow_id, "a", "[1:0_2:0)", key_frame_count=2) is None
    page, signer = await house.segments.list(
        BASE, flow_id, SegmentQuery(ETERNITY), PageRequest(10), UrlFilter()
    )
    segment = Segment(*page.items[0])
    assert (str(segment.timerange), segment.key_frame_count) == ("[1:0_2:0)", 2)
    assert signer.sign_gets(segment.storage_id)(segment.key).startswith(f"{BASE}/media/")


async def test_more_than_one_work_of_segments_is_registered_in_order(house):
    flow_id = await house.flow()
    await house.fill(flow_id, 2100)
    listed = await house.timeranges(flow_id)
    assert listed == [f"[{second}:0_{second + 1}:0)" for second in range(2100)]
    events = (await house.events(flow_id))[-21:]
    assert {event.type for event in events} == {"flows/segments_added"}
    assert [len(event.segments) for event in events] == [100] * 21
    shown = [segment.start for event in events for segment in event.segments]
    assert shown == [second * 10**9 for second in range(2100)]


async def test_refusals_come_back_and_the_rest_is_registered(house):
    flow_id = await house.flow()
    await house.allocate(flow_id, "a", "b")
    posts = [
        NewSegment(object_id="a", timerange=ETERNITY),
        NewSegment(object_id="a", timerange=TimeRange(0, 5)),
        NewSegment(object_id="b", timerange=TimeRange(4, 9)),
        NewSegment(object_id="b", timerange=TimeRange(5, 9)),
    ]
    refused = await house.segments.add(ANYONE, flow_id, posts)
    assert [(one.object_id, str(one.timerange)) for one in refused] == [
        ("a", "_"),
        ("b", "[0:4_0:9)"),
    ]
    assert await house.timeranges(flow_id) == ["[0:0_0:5)", "[0:5_0:9)"]


async def test_times_beyond_any_integer_are_refused_not_sent(house):
    flow_id = await house.flow()
    await house.allocate(flow_id, "a")
    for timerange in ("[0:0_99999999999999:0)", "[-99999999999999:0_0:0)"):
        reason = await house.post(flow_id, "a", timerange)
        assert reason.startswith("timerange: times must lie within")
    wide = TimeRange.parse("[0:0_99999999999999:0)")
    reason = await house.post(flow_id, "a", "[0:0_1:0)", object_timerange=wide)
    assert reason.startswith("object_timerange: times must lie within")


async def test_an_identical_segment_changes_nothing(house):
    flow_id = await house.flow()
    await house.allocate(flow_id, "a")
    await house.post(flow_id, "a", "[0:0_1:0)", key_frame_count=1)
    before = await house.events(flow_id), await get_flow(house.catalogue, flow_id)
    house.clock.now = at(60)
    assert await house.post(flow_id, "a", "[0:0_1:0)", key_frame_count=1) is None
    assert await house.post(flow_id, "a", "[0:0_1:0)") is None
    assert (await house.events(flow_id), await get_flow(house.catalogue, flow_id)) == before
    assert "registered with 1, not 2" in await house.post(
        flow_id, "a", "[0:0_1:0)", key_frame_count=2
    )


async def test_a_label_of_a_backend_is_not_for_others(house):
    mine = (Instance(url="https://media.example/a", label=HOT.label),)
    reason = await house.post(await house.flow(), "x", "[0:0_1:0)", get_urls=mine)
    assert reason == f"get_urls: label {HOT.label!r} belongs to a Storage Backend"


@pytest.mark.parametrize("posts", [[], [NewSegment(object_id="a", timerange=TimeRange(0, 1))]])
async def test_a_flow_must_be_there_writable_and_in_a_container(house, posts):
    with pytest.raises(NotFound, match="there is no Flow"):
        await house.segments.add(ANYONE, new_id(), posts)
    with pytest.raises(FlowReadOnly, match="read_only"):
        await house.segments.add(ANYONE, await house.flow(read_only=True), posts)
    with pytest.raises(Invalid, match=r"container: Flow .* needs one to have Segments"):
        await house.segments.add(ANYONE, await house.flow(container=None), posts)


async def test_an_unknown_flow_has_no_segments(house):
    assert await house.timeranges(new_id()) == []
