from __future__ import annotations

from datetime import timedelta

import pytest

from tams.catalogue.connect import catalogue as connect
from tams.domain.events import Event
from tams.domain.flows import MultiParameters, Ratio, VideoParameters
from tams.domain.sources import ContentFormat
from tams.domain.timerange import TimeRange
from tests.catalogue.building import (
    NOON,
    add_flows,
    allocate,
    at,
    get_flow,
    get_source,
    make_flow,
    page_of,
    post,
    remove_flow,
    segment_at,
)


async def events_of(catalogue, entity_id):
    return list(await catalogue.read(lambda tx: tx.events.of(entity_id)))


async def append(catalogue, flow, *kinds):
    async def work(tx):
        await tx.flows.lock(flow.id)
        for kind in kinds:
            await tx.events.append(Event(type=kind, entity_id=flow.id, source_id=flow.source_id))

    await catalogue.write(work)


@pytest.mark.parametrize(
    "known",
    [
        {"format": ContentFormat.MULTI, "essence_parameters": MultiParameters(init_segments=True)},
        {"essence_parameters": None, "tags": {"a": "b", "c": ("d", "e"), "f": ()}},
        {
            "format": ContentFormat.VIDEO,
            "essence_parameters": VideoParameters(
                frame_width=2, frame_height=1, frame_rate=Ratio(numerator=25)
            ),
        },
    ],
)
async def test_an_event_keeps_all_its_facts(catalogue, known):
    flow = make_flow(**known, segments_updated=at(0.000001))
    await add_flows(catalogue, flow)
    await allocate(catalogue, flow.id, "o1")
    await post(catalogue, flow.id, segment_at("o1", "[0:0_1:0]", sample_count=2))
    source = await get_source(catalogue, flow.source_id)
    event = Event(
        type="flows/segments_added",
        entity_id=flow.id,
        source_id=flow.source_id,
        flow_collected_by=("a", "b"),
        source_collected_by=("c",),
        flow=await get_flow(catalogue, flow.id),
        source=source,
        segments=tuple((await page_of(catalogue, flow.id)).items),
        timerange=TimeRange.parse("[0:0_1:0]"),
    )

    async def work(tx):
        await tx.flows.lock(flow.id)
        await tx.events.append(event)

    await catalogue.write(work)
    assert await events_of(catalogue, flow.id) == [event]


async def test_events_stand_in_the_order_of_the_changes(catalogue):
    flow = make_flow()
    await add_flows(catalogue, flow)
    await append(catalogue, flow, "flows/created", "flows/updated")
    await append(catalogue, flow, "flows/segments_added")
    await remove_flow(catalogue, flow.id)
    again = make_flow(id=flow.id, source_id=flow.source_id)
    await add_flows(catalogue, again)
    await append(catalogue, again, "flows/created")
    assert [event.type for event in await events_of(catalogue, flow.id)] == [
        "flows/created", "flows/updated", "flows/segments_added", "flows/created",
    ]  # fmt: skip
    assert await events_of(catalogue, flow.source_id) == []


async def test_a_removed_flow_tells_its_end(catalogue):
    flow = make_flow()
    await add_flows(catalogue, flow)

    async def work(tx):
        locked = await tx.flows.lock(flow.id)
        await tx.flows.remove(locked, NOON)
        await tx.events.append(
            Event(type="flows/deleted", entity_id=flow.id, source_id=flow.source_id)
        )

    await catalogue.write(work)
    assert [event.type for event in await events_of(catalogue, flow.id)] == ["flows/deleted"]


async def test_an_event_is_there_if_and_only_if_its_change_is(catalogue):
    flow = make_flow()
    await add_flows(catalogue, flow)

    async def refused(tx):
        await tx.flows.lock(flow.id)
        await tx.events.append(
            Event(type="flows/updated", entity_id=flow.id, source_id=flow.source_id)
        )
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        await catalogue.write(refused)
    assert await events_of(catalogue, flow.id) == []
    await append(catalogue, flow, "flows/updated")
    assert len(await events_of(catalogue, flow.id)) == 1


async def test_old_events_expire(url):
    now = NOON
    catalogue = connect(url, connections=2, clock=lambda: now)
    await catalogue.open()
    flow = make_flow()
    await add_flows(catalogue, flow)
    await append(catalogue, flow, *["flows/updated"] * 3)
    now += timedelta(days=1)
    await append(catalogue, flow, "flows/segments_added")

    async def expire(before, **limit):
        return await catalogue.write(lambda tx: tx.events.expire(before, **limit))

    await catalogue.write(lambda tx: tx.events.publish())
    assert await expire(NOON) == 0
    assert await expire(now, limit=2) == 2
    assert await expire(now) == 1
    assert [event.type for event in await events_of(catalogue, flow.id)] == ["flows/segments_added"]
    await catalogue.close()
