"""What the log holds of Objects and of collections, and how it is read in parts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tams.catalogue.connect import catalogue as connect
from tams.catalogue.promises.events import Span
from tams.catalogue.promises.objects import CondemnedObject
from tams.domain.events import Event, collection_event
from tams.domain.named_collections import NamedCollection
from tests.catalogue.building import NOON, add_flows, make_flow, new_id, remove_flow
from tests.catalogue.test_log import after, append, end, publish


def gone(*numbers):
    return [CondemnedObject(number, f"o{number}") for number in numbers]


async def lose(catalogue, flow, objects, *, living=True, **known):
    event = Event(type="flows/deleted", entity_id=flow.id, source_id=flow.source_id, **known)
    await catalogue.write(lambda tx: tx.events.append_gone(objects, event, living=living))


def told(published):
    """Type and entity of each part of events."""
    return [(part.event.type, part.event.entity_id) for one in published for part in one.parts()]


async def test_objects_that_went_together_are_few_rows_and_many_events(catalogue):
    flow = make_flow()
    await add_flows(catalogue, flow)
    await lose(catalogue, flow, gone(*range(1, 251)))
    await lose(catalogue, flow, gone())
    assert await publish(catalogue) == 3
    found = await after(catalogue)
    assert told(found) == [("objects/deleted", f"o{number}") for number in range(1, 251)]
    parts = [part for one in found for part in one.parts()]
    assert {(part.event.flow_id, part.event.source_id) for part in parts} == {
        (flow.id, flow.source_id)
    }
    places = [part.place for part in parts]
    assert places == sorted(places)
    assert len({part.id for part in parts}) == 250
    assert all(type(place).parse(str(place)) == place for place in places)
    assert places[-1] < found[-1].end
    # It is no change of the Flow, whose events are its own.
    assert await catalogue.read(lambda tx: tx.events.of(flow.id)) == []


async def test_objects_of_a_living_flow_learn_what_collects_it_and_others_say_so(catalogue):
    member = make_flow()
    collector = make_flow(member)
    await add_flows(catalogue, member, collector)
    await lose(catalogue, member, gone(1))
    await lose(catalogue, member, gone(2), living=False, flow_collected_by=("before",))
    await lose(catalogue, member, gone(3), living=False)

    async def leave(tx):
        await tx.flows.lock(member.id)
        await tx.events.note_collectors(member.id, ("noted",), ("above",))

    await publish(catalogue)
    await lose(catalogue, member, gone(4))
    await catalogue.write(leave)
    await publish(catalogue)
    assert [
        (one.event.flow_collected_by, one.event.source_collected_by)
        for one in await after(catalogue)
    ] == [
        ((collector.id,), (collector.source_id,)), (("before",), ()), ((), ()),
        (("noted",), ("above",)),
    ]  # fmt: skip


async def test_a_removed_flow_is_known_by_its_farewell_while_that_is_kept(url):
    now = NOON
    catalogue = connect(url, connections=2, clock=lambda: now)
    await catalogue.open()
    flow = make_flow()
    await add_flows(catalogue, flow)

    async def remove(tx):
        locked = await tx.flows.lock(flow.id)
        await tx.flows.remove(locked, NOON)
        await tx.events.append(
            Event(
                type="flows/deleted",
                entity_id=flow.id,
                source_id=flow.source_id,
                flow_collected_by=("a",),
            )
        )
        return locked.key

    async def farewell(key):
        return await catalogue.read(lambda tx: tx.events.farewell(key))

    key = await catalogue.write(remove)
    again = make_flow(id=flow.id, source_id=flow.source_id)
    await add_flows(catalogue, again)
    await append(catalogue, again, "flows/created")
    assert (await farewell(key)).event.flow_collected_by == ("a",)
    await publish(catalogue)
    await catalogue.write(lambda tx: tx.events.expire(NOON + timedelta(days=1)))
    bare = Event(type="flows/deleted", entity_id=flow.id, source_id=flow.source_id)
    assert await farewell(key) == (bare, False)
    assert await farewell(key + 1000) is None
    await catalogue.close()


def named():
    """A collection of Flows."""
    return NamedCollection(id=new_id(), holds="flow", label="Rushes", created=NOON, updated=NOON)


async def test_c002_collections_have_events_of_their_own(catalogue):
    shown = replace(named(), description="of the first day", member_ids=(new_id(),))
    other = named()
    collection_id, other_id = shown.id, other.id

    async def work(tx):
        await tx.events.append(
            collection_event("collections/created", shown),
            collection_event("collections/created", other),
        )
        await tx.events.append(collection_event("collections/updated", shown))

    await catalogue.write(work)
    await catalogue.write(
        lambda tx: tx.events.append(collection_event("collections/deleted", shown))
    )
    await publish(catalogue)
    found = await after(catalogue)
    assert told(found) == [
        ("collections/created", collection_id), ("collections/created", other_id),
        ("collections/updated", collection_id), ("collections/deleted", collection_id),
    ]  # fmt: skip
    assert found[0].event.collection == shown
    assert found[3].event.collection is None
    own = await catalogue.read(lambda tx: tx.events.of(collection_id))
    assert [event.type for event in own] == [
        "collections/created", "collections/updated", "collections/deleted",
    ]  # fmt: skip


async def test_a_collection_and_a_flow_may_have_one_id(catalogue):
    flow = make_flow()
    await add_flows(catalogue, flow)
    await append(catalogue, flow, "flows/created")
    event = collection_event("collections/created", replace(named(), id=flow.id))
    await catalogue.write(lambda tx: tx.events.append(event))
    assert await publish(catalogue) == 2


@pytest.fixture
async def logged(catalogue):
    """Six events that have numbers, and one that has none yet."""
    flow = make_flow()
    await add_flows(catalogue, flow)
    await append(catalogue, flow, *["flows/updated"] * 6)
    await publish(catalogue)
    await append(catalogue, flow, "flows/updated")
    return catalogue


@pytest.mark.parametrize(
    ("span", "limit", "reverse", "numbers"),
    [
        (Span(), 100, False, [1, 2, 3, 4, 5, 6]),
        (Span(), 2, True, [6, 5]),
        (Span(above=2), 2, False, [3, 4]),
        (Span(above=2, below=5), 100, True, [4, 3]),
        (Span(above=6), 100, False, []),
        (Span(until=NOON), 100, False, []),
        (Span(since=NOON, until=NOON + timedelta(days=100_000)), 1, False, [1]),
    ],
)
async def test_a_part_of_the_log(logged, span, limit, reverse, numbers):
    found = await logged.read(lambda tx: tx.events.find(span, limit, reverse=reverse))
    assert [one.number for one in found] == numbers


async def test_what_is_kept_and_what_waits_for_a_number(logged):
    async def oldest():
        return await logged.read(lambda tx: tx.events.oldest())

    async def is_waiting():
        return await logged.read(lambda tx: tx.events.is_waiting())

    assert await is_waiting() is True
    assert await oldest() == 1
    await publish(logged)
    assert await is_waiting() is False
    await logged.write(lambda tx: tx.events.expire(NOON + timedelta(days=100_000), limit=3))
    assert await oldest() == 4
    await logged.write(lambda tx: tx.events.expire(NOON + timedelta(days=100_000)))
    assert await oldest() == await end(logged) + 1 == 8


async def test_two_that_lose_objects_at_the_same_time_do_not_meet(catalogue):
    """One may be what clears away a Flow, the other what deletes from its successor."""
    flow = make_flow()
    await add_flows(catalogue, flow)
    await asyncio.gather(
        *(lose(catalogue, flow, gone(number), living=number % 2 > 0) for number in range(1, 20))
    )
    assert await publish(catalogue) == 19
    await remove_flow(catalogue, flow.id)
