"""The numbered log: in the order of each Flow's changes, without gaps, and nothing behind."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tams.domain.events import Event
from tests.catalogue.building import NOON, add_flows, make_flow, remove_flow


def event_of(flow, kind="flows/updated", **known):
    return Event(type=kind, entity_id=flow.id, source_id=flow.source_id, **known)


async def append(catalogue, flow, *kinds):
    async def work(tx):
        await tx.flows.lock(flow.id)
        await tx.events.append(*(event_of(flow, kind) for kind in kinds))

    await catalogue.write(work)


async def publish(catalogue, **limit):
    return await catalogue.write(lambda tx: tx.events.publish(**limit))


async def after(catalogue, number=0, limit=10_000):
    return await catalogue.read(lambda tx: tx.events.after(number, limit))


async def end(catalogue):
    return await catalogue.read(lambda tx: tx.events.end())


async def test_events_are_numbered_once_and_without_gaps(catalogue):
    flow = make_flow()
    await add_flows(catalogue, flow)
    assert await publish(catalogue) == 0
    assert await end(catalogue) == 0
    await append(catalogue, flow, "flows/created", "flows/updated")
    assert await after(catalogue) == []
    assert await publish(catalogue, limit=1) == 1
    assert await publish(catalogue) == 1
    await append(catalogue, flow, "flows/updated")
    assert await publish(catalogue) == 1
    assert await publish(catalogue) == 0
    assert await end(catalogue) == 3
    found = await after(catalogue)
    assert [(one.number, one.event.type) for one in found] == [
        (1, "flows/created"), (2, "flows/updated"), (3, "flows/updated"),
    ]  # fmt: skip
    assert await after(catalogue, 1, 1) == [found[1]]
    assert len({one.id for one in found}) == 3


async def test_each_flow_is_numbered_in_the_order_of_its_changes_while_many_write(catalogue):
    """What was read once stays as it is: no event gets a number behind one that was seen."""
    flows = [make_flow() for _ in range(4)]
    await add_flows(catalogue, *flows)
    writing = True

    async def change(flow, number):
        async def work(tx):
            await tx.flows.lock(flow.id)
            await tx.events.append(event_of(flow, source_collected_by=(str(number),)))
            await tx.events.append(event_of(flow, source_collected_by=(str(number), "and")))

        await catalogue.write(work)

    async def change_often(flow):
        for number in range(30):
            await change(flow, number)

    async def look():
        seen = []
        while writing:
            await publish(catalogue, limit=7)
            found = await after(catalogue)
            assert found[: len(seen)] == seen
            seen = found

    looking = [asyncio.create_task(look()) for _ in range(2)]
    await asyncio.gather(*map(change_often, flows))
    writing = False
    await asyncio.gather(*looking)
    while await publish(catalogue):
        continue
    found = await after(catalogue)
    assert [one.number for one in found] == list(range(1, 241))
    for flow in flows:
        told = [one.event.source_collected_by for one in found if one.event.entity_id == flow.id]
        assert told == [
            marks for number in range(30) for marks in ((str(number),), (str(number), "and"))
        ]


async def test_events_learn_what_collects_but_what_they_say_themselves_holds(catalogue):
    member = make_flow()
    beside = make_flow(source_id=member.source_id)
    alone = make_flow()
    collector = make_flow(member)
    await add_flows(catalogue, member, beside, alone, collector)
    for flow in (member, beside, alone):
        await append(catalogue, flow, "flows/segments_added", "flows/deleted")

    async def work(tx):
        await tx.flows.lock(member.id)
        await tx.events.append(event_of(member, flow_collected_by=("before",)))

    await catalogue.write(work)
    await publish(catalogue)
    told = {
        (one.event.type, one.event.entity_id): (
            one.event.flow_collected_by, one.event.source_collected_by,
        )
        for one in await after(catalogue)
    }  # fmt: skip
    assert told == {
        ("flows/segments_added", member.id): ((collector.id,), (collector.source_id,)),
        ("flows/segments_added", beside.id): ((), (collector.source_id,)),
        ("flows/segments_added", alone.id): ((), ()),
        ("flows/updated", member.id): (("before",), (collector.source_id,)),
        **{("flows/deleted", flow.id): ((), ()) for flow in (member, beside, alone)},
    }


async def test_a_flow_that_is_removed_leaves_what_collected_it(catalogue):
    flow = make_flow()
    await add_flows(catalogue, flow)
    await append(catalogue, flow, "flows/segments_added")

    async def work(tx):
        await tx.flows.lock(flow.id)
        await tx.events.note_collectors(flow.id, ("a",), ("b", "c"))

    await catalogue.write(work)
    await remove_flow(catalogue, flow.id)
    await publish(catalogue)
    [one] = await after(catalogue)
    assert one.event.flow_collected_by == ("a",)
    assert one.event.source_collected_by == ("b", "c")


async def test_nothing_expires_before_it_is_numbered(catalogue):
    flow = make_flow()
    await add_flows(catalogue, flow)
    await append(catalogue, flow, "flows/updated")
    late = NOON + timedelta(days=100_000)

    async def expire():
        return await catalogue.write(lambda tx: tx.events.expire(late))

    assert await expire() == 0
    await publish(catalogue)
    assert await expire() == 1
    assert await after(catalogue) == []
    assert await end(catalogue) == 1
