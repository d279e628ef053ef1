from __future__ import annotations

from dataclasses import replace

import pytest

from tams.domain.named_collections import NamedCollection
from tams.domain.pages import PageRequest
from tams.errors import Invalid
from tests.catalogue.building import (
    add_flows,
    add_sources,
    at,
    make_flow,
    make_source,
    new_id,
    remove_flow,
)


def make(holds="flow", *member_ids, **known):
    values = {"id": new_id(), "label": "Best of", "created": at(0), "updated": at(0)}
    return NamedCollection(**{**values, "holds": holds, "member_ids": member_ids, **known})


async def add(catalogue, *collections):
    async def work(tx):
        for collection in collections:
            await tx.named_collections.add(collection)

    await catalogue.write(work)


async def get(catalogue, collection):
    return await catalogue.read(
        lambda tx: tx.named_collections.get(collection.holds, collection.id)
    )


async def put(catalogue, collection):
    async def work(tx):
        await tx.named_collections.lock(collection.holds, collection.id)
        await tx.named_collections.replace(collection)

    await catalogue.write(work)


async def holding(catalogue, holds, member_id):
    return list(await catalogue.read(lambda tx: tx.named_collections.holding(holds, member_id)))


@pytest.fixture
async def flows(catalogue):
    made = [make_flow() for _ in range(4)]
    await add_flows(catalogue, *made)
    return [flow.id for flow in made]


@pytest.fixture
async def sources(catalogue):
    made = [make_source() for _ in range(4)]
    await add_sources(catalogue, *made)
    return [source.id for source in made]


async def test_a_collection_comes_back_as_it_was_stored(catalogue, flows, sources):
    bare = make()
    full = make(
        "flow",
        *flows[::-1],
        description="",
        created_by="somebody",
        updated_by="somebody else",
        updated=at(0.000001),
    )
    other = make("source", *sources)
    await add(catalogue, bare, full, other)
    for one in (bare, full, other):
        assert await get(catalogue, one) == one
        locked = await catalogue.write(
            lambda tx, one=one: tx.named_collections.lock(one.holds, one.id)
        )
        assert locked == one
        assert await catalogue.read(lambda tx, one=one: tx.named_collections.is_taken(one.id))


async def test_one_that_holds_the_other_kind_is_nowhere(catalogue):
    one = make()
    await add(catalogue, one)
    wrong = replace(one, holds="source")
    assert await get(catalogue, wrong) is None
    assert await catalogue.write(lambda tx: tx.named_collections.lock("source", one.id)) is None
    assert not await catalogue.read(lambda tx: tx.named_collections.is_taken(new_id()))


async def test_members_that_stay_keep_their_places(catalogue, flows):
    first, second, third, fourth = flows
    one = make("flow", first, second, third)
    await add(catalogue, one)
    new = replace(
        one, label="New", description="x", updated=at(9), updated_by="me",
        member_ids=(fourth, third, first),
    )  # fmt: skip
    await put(catalogue, replace(new, created_by="not kept", created=at(5)))
    assert await get(catalogue, one) == replace(new, member_ids=(first, third, fourth))
    await put(catalogue, replace(new, member_ids=()))
    assert (await get(catalogue, one)).member_ids == ()


async def test_a_collection_goes_without_its_members(catalogue, flows):
    one, other = make("flow", *flows), make("flow", *flows)
    await add(catalogue, one, other)
    await catalogue.write(lambda tx: tx.named_collections.remove(one))
    assert await get(catalogue, one) is None
    assert await get(catalogue, other) == other
    assert len(await catalogue.read(lambda tx: tx.flows.get_many(flows))) == 4
    await add(catalogue, replace(one, member_ids=()))
    assert (await get(catalogue, one)).member_ids == ()


async def test_a_flow_that_is_gone_is_no_member_and_neither_is_its_successor(catalogue, flows):
    one = make("flow", *flows)
    await add(catalogue, one)
    gone = flows[1]
    key = await remove_flow(catalogue, gone)
    assert (await get(catalogue, one)).member_ids == (flows[0], *flows[2:])
    assert await holding(catalogue, "flow", gone) == []
    await add_flows(catalogue, make_flow(id=gone))
    assert gone not in (await get(catalogue, one)).member_ids
    await put(catalogue, replace(one, member_ids=(flows[0], flows[3], gone)))
    assert (await get(catalogue, one)).member_ids == (flows[0], flows[3], gone)
    await catalogue.write(lambda tx: tx.flows.forget(key))
    assert (await get(catalogue, one)).member_ids == (flows[0], flows[3], gone)


async def test_a_source_that_is_gone_is_no_member(catalogue, sources):
    one = make("source", *sources)
    await add(catalogue, one)

    async def work(tx):
        await tx.sources.lock(sources[0])
        await tx.sources.remove(sources[0])

    await catalogue.write(work)
    assert (await get(catalogue, one)).member_ids == tuple(sources[1:])
    await add_sources(catalogue, make_source(id=sources[0]))
    assert (await get(catalogue, one)).member_ids == tuple(sources[1:])


async def test_what_is_missing_is_told(catalogue, flows, sources):
    async def missing(holds, *ids):
        return list(await catalogue.write(lambda tx: tx.named_collections.missing(holds, ids)))

    unknown = new_id()
    await remove_flow(catalogue, flows[3])
    assert await missing("flow", unknown, *flows, sources[0]) == [unknown, flows[3], sources[0]]
    assert await missing("source", unknown, *sources, flows[0]) == [unknown, flows[0]]
    assert await missing("flow") == []


async def test_where_a_member_is_in(catalogue, flows, sources):
    in_both = sorted((make("source", *sources), make("source", sources[0])), key=lambda c: c.id)
    await add(catalogue, *in_both, make("flow", *flows))
    assert await holding(catalogue, "source", sources[0]) == [one.id for one in in_both]
    assert len(await holding(catalogue, "source", sources[1])) == 1
    assert await holding(catalogue, "source", flows[0]) == []


async def test_collections_are_listed_by_kind_and_label(catalogue, flows):
    listed = [
        make("flow", *flows, label="b", created=at(1), updated=at(7)),
        make("flow", label="a", created=at(2), updated=at(6)),
        make("flow", flows[0], label="a" * 300, created=at(3), updated=at(5)),
    ]
    await add(catalogue, *listed, make("source"))

    async def whole(label=None, **asked):
        found, key = [], None
        while True:
            page = PageRequest(limit=1, key=key, **asked)
            got = await catalogue.read(
                lambda tx, page=page: tx.named_collections.list("flow", label, page)
            )
            found += got.items
            if got.next_key is None:
                return found
            key = got.next_key

    assert await whole() == listed[::-1]
    assert await whole(reverse=True) == listed
    assert await whole(sort="updated") == listed
    assert await whole(sort="label") == [listed[1], listed[2], listed[0]]
    assert await whole("a") == [listed[1]]
    assert await whole("c") == []
    with pytest.raises(Invalid, match="page"):
        await catalogue.read(
            lambda tx: tx.named_collections.list("flow", None, PageRequest(limit=1, key="x"))
        )


async def test_flows_and_sources_are_read_in_the_order_asked_for(catalogue, flows, sources):
    await remove_flow(catalogue, flows[0])
    asked = [flows[2], flows[0], new_id(), flows[1]]
    found = await catalogue.read(lambda tx: tx.flows.get_many(asked))
    assert [flow.id for flow in found] == [flows[2], flows[1]]
    assert found[0] == await catalogue.read(lambda tx: tx.flows.get(flows[2]))
    found = await catalogue.read(lambda tx: tx.sources.get_many([sources[1], *asked, sources[0]]))
    assert [source.id for source in found] == [sources[1], sources[0]]
    assert await catalogue.read(lambda tx: tx.flows.get_many([])) == []
