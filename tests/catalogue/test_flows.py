from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tams.domain.events import Event
from tams.domain.flows import CollectionItem, DataParameters, LockedFlow
from tams.domain.timerange import EMPTY, ETERNITY, TimeRange
from tests.catalogue.building import (
    NOON,
    add_flows,
    at,
    get_flow,
    make_flow,
    new_id,
    register,
    remove_flow,
    replace_flow,
)


async def sources_of(catalogue, *flow_ids):
    return await catalogue.read(lambda tx: tx.flows.sources_of(flow_ids))


async def collected_from(catalogue, *flow_ids):
    return await catalogue.read(lambda tx: tx.flows.collected_from(flow_ids))


async def reach(catalogue, flow_id, timerange):
    return await catalogue.read(lambda tx: tx.flows.timerange(flow_id, timerange))


async def lock(catalogue, flow_id):
    return await catalogue.write(lambda tx: tx.flows.lock(flow_id))


async def append(catalogue, flow):
    """Log a change of a Flow, and return how many are known of its id."""

    async def work(tx):
        assert await tx.flows.lock(flow.id) is not None
        await tx.events.append(
            Event(type="flows/updated", entity_id=flow.id, source_id=flow.source_id, flow=flow)
        )
        return len(await tx.events.of(flow.id))

    return await catalogue.write(work)


async def test_an_unknown_flow_is_nowhere(catalogue):
    unknown = new_id()
    assert await get_flow(catalogue, unknown) is None
    assert await lock(catalogue, unknown) is None
    assert await sources_of(catalogue, unknown) == {}
    assert await collected_from(catalogue, unknown) == {unknown}
    assert await reach(catalogue, unknown, ETERNITY) == EMPTY


async def test_a_lock_tells_what_writers_need(catalogue):
    plain = make_flow()
    special = make_flow(
        container=None, read_only=True, essence_parameters=DataParameters(init_segments=True)
    )
    await add_flows(catalogue, plain, special)
    first, second = await lock(catalogue, plain.id), await lock(catalogue, special.id)
    assert first == LockedFlow(
        key=first.key,
        id=plain.id,
        source_id=plain.source_id,
        container="application/json",
        read_only=False,
        uses_init_segments=False,
    )
    assert (second.container, second.read_only, second.uses_init_segments) == (None, True, True)
    assert first.key != second.key


async def test_tags_keep_strings_apart_from_lists(catalogue):
    tags = {
        "b": "one",
        "a": ("one",),
        "none": (),
        "two": ("x", "x"),
        "": "",
        "é/ü %": ("\U0001f3ac", ""),
    }
    flow = make_flow(tags=tags)
    await add_flows(catalogue, flow)
    found = (await get_flow(catalogue, flow.id)).tags
    assert found == tags
    assert list(found) == list(tags)
    await replace_flow(catalogue, replace(flow, tags={"a": "one"}))
    assert (await get_flow(catalogue, flow.id)).tags == {"a": "one"}


async def test_texts_may_be_long(catalogue):
    long = "".join(chr(0x4E00 + number) for number in range(20_000))
    flow = make_flow(label=long, description=long, tags={long: long, f"{long}s": (long, long)})
    await add_flows(catalogue, flow)
    assert await get_flow(catalogue, flow.id) == flow


async def test_a_replaced_flow_keeps_what_is_not_metadata(catalogue):
    member = make_flow()
    old = make_flow(member, created=at(1), segments_updated=at(2))
    await add_flows(catalogue, member, old)
    new = replace(old, label="new", created=at(8), segments_updated=at(9), collected_by=(new_id(),))
    await replace_flow(catalogue, new)
    expected = replace(old, label="new")
    assert await get_flow(catalogue, old.id) == expected


async def test_a_work_sees_its_own_writes(catalogue):
    flow = make_flow(tags={"a": "b"})

    async def work(tx):
        await tx.flows.add(flow)
        seen = [await tx.flows.get(flow.id)]
        await tx.flows.replace(replace(flow, label="new"))
        return [*seen, await tx.flows.get(flow.id)]

    assert await catalogue.write(work) == [flow, replace(flow, label="new")]


async def test_a_refused_work_changes_nothing(catalogue):
    old = make_flow(label="old", tags={"a": "b"})
    new = make_flow()
    await add_flows(catalogue, old)

    async def work(tx):
        await tx.flows.lock(old.id)
        await tx.flows.replace(replace(old, label="new", tags={}))
        await tx.flows.add(new)
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        await catalogue.write(work)
    assert await get_flow(catalogue, old.id) == old
    assert await get_flow(catalogue, new.id) is None


async def test_collections_are_ordered_and_members_know_their_collectors(catalogue):
    members = [make_flow() for _ in range(12)]
    collector = make_flow(*reversed(members))
    other = make_flow(members[0], members[3], members[0])
    await add_flows(catalogue, *members, collector, other)
    found = await get_flow(catalogue, collector.id)
    assert found.flow_collection == collector.flow_collection
    twice = await get_flow(catalogue, other.id)
    assert [item.id for item in twice.flow_collection] == [
        members[0].id, members[3].id, members[0].id,
    ]  # fmt: skip
    both = tuple(sorted([collector.id, other.id]))
    assert (await get_flow(catalogue, members[0].id)).collected_by == both
    assert (await get_flow(catalogue, members[1].id)).collected_by == (collector.id,)
    await replace_flow(catalogue, replace(other, flow_collection=()))
    assert (await get_flow(catalogue, members[3].id)).collected_by == (collector.id,)


async def test_members_are_found_however_far_away(catalogue):
    flows = [make_flow()]
    for _ in range(20):
        flows.append(make_flow(flows[-1]))
    aside = make_flow(flows[5])
    await add_flows(catalogue, *flows, aside)
    ids = [flow.id for flow in flows]
    assert await collected_from(catalogue, ids[20]) == set(ids)
    assert await collected_from(catalogue, ids[3]) == set(ids[:4])
    assert await collected_from(catalogue, aside.id, ids[8]) == {aside.id, *ids[:9]}


async def test_the_walk_through_collections_ends_even_in_a_circle(catalogue):
    first = make_flow()
    second = make_flow(first)
    await add_flows(catalogue, first, second)
    circle = (CollectionItem(id=first.id), CollectionItem(id=second.id))
    await replace_flow(catalogue, replace(first, flow_collection=circle))
    assert await collected_from(catalogue, first.id) == {first.id, second.id}


async def test_a_removed_flow_is_gone_with_all_its_links(catalogue):
    member = make_flow()
    middle = make_flow(member, tags={"a": "b"})
    collector = make_flow(middle, member)
    await add_flows(catalogue, member, middle, collector)
    await register(catalogue, middle.id, "[0:0_1:0)")
    await remove_flow(catalogue, middle.id)
    assert await get_flow(catalogue, middle.id) is None
    assert await lock(catalogue, middle.id) is None
    assert await sources_of(catalogue, middle.id, member.id) == {member.id: member.source_id}
    assert await reach(catalogue, middle.id, ETERNITY) == EMPTY
    assert (await get_flow(catalogue, member.id)).collected_by == (collector.id,)
    left = (await get_flow(catalogue, collector.id)).flow_collection
    assert left == (CollectionItem(id=member.id),)


async def test_a_removed_id_starts_empty_and_its_changes_go_on(catalogue):
    member = make_flow()
    old = make_flow(member, label="old", tags={"a": "b"})
    await add_flows(catalogue, member, old)
    await register(catalogue, old.id, "[0:0_1:0)")
    assert await append(catalogue, old) == 1
    assert await append(catalogue, old) == 2
    key = await remove_flow(catalogue, old.id)
    new = make_flow(id=old.id)
    await add_flows(catalogue, new)
    assert await get_flow(catalogue, old.id) == new
    assert await reach(catalogue, old.id, ETERNITY) == EMPTY
    assert (await lock(catalogue, old.id)).key != key
    assert await append(catalogue, new) == 3


async def test_an_id_may_be_removed_and_added_in_one_work(catalogue):
    old = make_flow(label="old")
    new = replace(old, label="new")
    await add_flows(catalogue, old)

    async def work(tx):
        await tx.flows.remove(await tx.flows.lock(old.id), NOON)
        await tx.flows.add(new)

    await catalogue.write(work)
    assert await get_flow(catalogue, old.id) == new


async def test_only_removed_flows_are_forgotten(catalogue):
    gone, living = make_flow(), make_flow(tags={"a": "b"})
    await add_flows(catalogue, gone, living)
    key = (await lock(catalogue, living.id)).key
    await catalogue.write(lambda tx: tx.flows.forget(key))
    assert await get_flow(catalogue, living.id) == living
    removed = await remove_flow(catalogue, gone.id)
    await catalogue.write(lambda tx: tx.flows.forget(removed))
    await catalogue.write(lambda tx: tx.flows.forget(removed))


async def test_a_timerange_reaches_over_whole_segments(catalogue):
    flow = make_flow()
    await add_flows(catalogue, flow)
    await register(catalogue, flow.id, "[-5:0_-4:0)", "[10:0_20:0)", "[20:0_30:0]")
    for within, expected in (
        ("_", "[-5:0_30:0]"),
        ("[10:0_11:0)", "[10:0_20:0)"),
        ("[5:0_15:0)", "[10:0_20:0)"),
        ("[19:999999999_20:1)", "[10:0_30:0]"),
        ("[20:0_", "[20:0_30:0]"),
        ("_-4:0)", "[-5:0_-4:0)"),
        ("[-4:0_10:0)", "()"),
        ("[30:0]", "[20:0_30:0]"),
        ("(30:0_", "()"),
        ("[12:0]", "[10:0_20:0)"),
        ("()", "()"),
        ("[99999999999:0_", "()"),
        ("_-99999999999:0)", "()"),
        ("[-99999999999:0_99999999999:0)", "[-5:0_30:0]"),
    ):
        found = await reach(catalogue, flow.id, TimeRange.parse(within))
        assert str(found) == expected, within


async def test_a_flow_without_segments_reaches_nowhere(catalogue):
    flow, other = make_flow(), make_flow()
    await add_flows(catalogue, flow, other)
    await register(catalogue, other.id, "[0:0_1:0)")
    assert await reach(catalogue, flow.id, ETERNITY) == EMPTY


async def test_what_two_works_change_in_turn_is_not_lost(catalogue):
    flow = make_flow(generation=0)
    await add_flows(catalogue, flow)

    async def count(tx):
        await tx.flows.lock(flow.id)
        now = await tx.flows.get(flow.id)
        await tx.flows.replace(replace(now, generation=now.generation + 1))

    await asyncio.gather(*(catalogue.write(count) for _ in range(10)))
    assert (await get_flow(catalogue, flow.id)).generation == 10


async def test_collections_are_changed_by_one_work_at_a_time(catalogue):
    members = [make_flow() for _ in range(8)]
    collectors = [make_flow() for _ in members]
    await add_flows(catalogue, *members, *collectors)

    def link(number):
        async def work(tx):
            await tx.flows.lock_collections()
            taken = {
                item.id
                for collector in collectors
                for item in (await tx.flows.get(collector.id)).flow_collection
            }
            free = next(member.id for member in members if member.id not in taken)
            await tx.flows.lock(collectors[number].id)
            await tx.flows.replace(
                replace(collectors[number], flow_collection=(CollectionItem(id=free),))
            )

        return catalogue.write(work)

    await asyncio.gather(*(link(number) for number in range(8)))
    for member in members:
        assert len((await get_flow(catalogue, member.id)).collected_by) == 1


async def test_of_works_that_add_one_id_at_once_one_does(catalogue):
    flow = make_flow()

    async def add(tx):
        if await tx.flows.lock(flow.id) is not None:
            return False
        await tx.flows.add(flow)
        return True

    added = await asyncio.gather(*(catalogue.write(add) for _ in range(8)))
    assert sorted(added) == [False] * 7 + [True]
    assert await get_flow(catalogue, flow.id) == flow
