from __future__ import annotations

from dataclasses import replace

from tams.domain.events import Event
from tams.domain.flows import CollectionItem
from tams.domain.sources import ContentFormat, SourceMember
from tests.catalogue.building import (
    add_flows,
    add_sources,
    at,
    get_flow,
    get_source,
    make_flow,
    make_source,
    new_id,
    remove_flow,
    replace_flow,
)


async def collections(catalogue, source_id, except_flow=None):
    return list(
        await catalogue.read(lambda tx: tx.sources.collections(source_id, except_flow=except_flow))
    )


async def has_flows(catalogue, source_id):
    return await catalogue.read(lambda tx: tx.sources.has_flows(source_id))


async def remove(catalogue, source_id):
    async def work(tx):
        await tx.sources.lock(source_id)
        await tx.sources.remove(source_id)

    await catalogue.write(work)


async def test_an_unknown_source_is_nowhere(catalogue):
    unknown = new_id()
    assert await get_source(catalogue, unknown) is None
    assert await catalogue.write(lambda tx: tx.sources.lock(unknown)) is None
    assert not await has_flows(catalogue, unknown)
    assert await collections(catalogue, unknown) == []


async def test_a_source_comes_back_as_it_was_stored(catalogue):
    bare = make_source()
    full = make_source(
        format=ContentFormat.VIDEO,
        label="Læbel \U0001f3ac",
        description="",
        created_by="somebody",
        updated_by="somebody else",
        created=at(0.000001),
        updated=at(5),
        tags={"b": "x", "a": ("x",), "none": ()},
    )
    await add_sources(catalogue, bare, full)
    assert await get_source(catalogue, bare.id) == bare
    assert await get_source(catalogue, full.id) == full
    assert await catalogue.write(lambda tx: tx.sources.lock(full.id)) == full


async def test_derived_collections_are_not_stored(catalogue):
    source = make_source(source_collection=(SourceMember(id=new_id()),), collected_by=(new_id(),))
    await add_sources(catalogue, source)
    assert await get_source(catalogue, source.id) == replace(
        source, source_collection=(), collected_by=()
    )


async def test_only_label_description_tags_and_update_are_replaced(catalogue):
    old = make_source(label="old", tags={"a": "b"}, created_by="somebody")
    await add_sources(catalogue, old)
    changes = {
        "label": None, "description": "new", "tags": {"a": ("b", "c")}, "updated": at(9),
        "updated_by": "somebody else",
    }  # fmt: skip

    async def work(tx):
        await tx.sources.lock(old.id)
        ignored = {"format": ContentFormat.AUDIO, "created": at(3), "created_by": "nobody"}
        await tx.sources.replace(replace(old, **changes, **ignored))
        return await tx.sources.get(old.id)

    expected = replace(old, **changes)
    assert await catalogue.write(work) == expected
    assert await get_source(catalogue, old.id) == expected


async def test_living_flows_alone_keep_a_source(catalogue):
    flow = make_flow()
    sibling = make_flow(source_id=flow.source_id)
    await add_flows(catalogue, flow, sibling)
    await remove_flow(catalogue, flow.id)
    assert await has_flows(catalogue, flow.source_id)
    await remove_flow(catalogue, sibling.id)
    assert not await has_flows(catalogue, flow.source_id)
    await remove(catalogue, flow.source_id)
    assert await get_source(catalogue, flow.source_id) is None


async def test_a_removed_id_starts_anew(catalogue):
    old = make_source(label="old", tags={"a": "b"})
    await add_sources(catalogue, old)
    await remove(catalogue, old.id)
    new = make_source(id=old.id)
    await add_sources(catalogue, new)
    assert await get_source(catalogue, old.id) == new


async def test_a_source_collects_what_its_flows_collect_oldest_flow_first(catalogue):
    members = [make_flow() for _ in range(3)]
    first, second, third = (member.source_id for member in members)
    source_id = new_id()
    younger = make_flow(
        source_id=source_id,
        created=at(2),
        flow_collection=(
            CollectionItem(id=members[0].id, role="video"),
            CollectionItem(id=members[2].id),
        ),
    )
    older = make_flow(
        source_id=source_id,
        created=at(1),
        flow_collection=(
            CollectionItem(id=members[1].id),
            CollectionItem(id=members[0].id, role="video"),
        ),
    )
    await add_flows(catalogue, *members, younger, older)
    video, plain = SourceMember(id=first, role="video"), SourceMember(id=second)
    last = SourceMember(id=third)
    assert await collections(catalogue, source_id) == [(plain, video), (video, last)]
    assert await collections(catalogue, source_id, except_flow=older.id) == [(video, last)]
    assert (await get_source(catalogue, source_id)).source_collection == (plain, video, last)
    await remove_flow(catalogue, older.id)
    assert (await get_source(catalogue, source_id)).source_collection == (video, last)


async def test_members_know_the_sources_that_collect_them_once_each(catalogue):
    member = make_flow()
    sibling = make_flow(source_id=member.source_id)
    collector = make_flow(member, sibling)
    again = make_flow(member, source_id=collector.source_id)
    other = make_flow(sibling)
    await add_flows(catalogue, member, sibling, collector, again, other)

    async def collected_by():
        return (await get_source(catalogue, member.source_id)).collected_by

    assert await collected_by() == tuple(sorted([collector.source_id, other.source_id]))
    await remove_flow(catalogue, other.id)
    assert await collected_by() == (collector.source_id,)
    await replace_flow(catalogue, replace(collector, flow_collection=()))
    assert await collected_by() == (collector.source_id,)
    await remove_flow(catalogue, again.id)
    assert await collected_by() == ()


async def test_a_flow_may_have_the_id_of_its_source(catalogue):
    shared = new_id()
    other, flow = make_flow(), make_flow(id=shared, source_id=shared)
    await add_flows(catalogue, other, flow)

    async def change(tx):
        await tx.flows.lock(shared)
        source = await tx.sources.lock(shared)
        await tx.flows.replace(replace(flow, label="flow"))
        await tx.sources.replace(replace(source, label="source"))
        about = {"entity_id": shared, "source_id": shared}
        await tx.events.append(Event(type="flows/updated", **about))
        await tx.events.append(Event(type="sources/updated", **about))

    await catalogue.write(change)
    await catalogue.write(change)
    assert (await get_flow(catalogue, shared)).label == "flow"
    assert (await get_source(catalogue, shared)).label == "source"
    assert await get_flow(catalogue, other.id) == other
    assert len(await catalogue.read(lambda tx: tx.events.of(shared))) == 4


async def test_a_source_that_stays_says_so(catalogue):
    brought, lasting = make_source(), make_source(is_lasting=True)
    await add_sources(catalogue, brought, lasting)

    async def work(tx):
        await tx.sources.replace(replace(await tx.sources.lock(lasting.id), label="new"))

    await catalogue.write(work)
    assert not (await get_source(catalogue, brought.id)).is_lasting
    assert await get_source(catalogue, lasting.id) == replace(lasting, label="new")
