"""What Flows bring about for each other and for their Sources, and the events that tell of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tams.domain.access import ANYONE
from tams.domain.flows import CollectionItem, DataParameters, FlowMetadata
from tams.domain.sources import ContentFormat, SourceMember
from tams.errors import FlowReadOnly, Invalid
from tests.catalogue.building import get_flow, get_source, new_id


def metadata(*members, **known):
    values = {
        "id": new_id(),
        "source_id": new_id(),
        "format": ContentFormat.DATA,
        "codec": "application/json",
        "essence_parameters": DataParameters(),
        "flow_collection": tuple(CollectionItem(id=member.id) for member in members),
    }
    return FlowMetadata(**values | known)


async def put(house, *flows):
    for flow in flows:
        await house.flows.put(ANYONE, flow)


async def told(house, entity):
    return [event.type for event in await house.events(entity)]


def collected(source):
    return [member.id for member in source.source_collection]


async def test_a_deleted_collector_changes_its_own_source_and_those_of_its_members(house):
    member = metadata()
    sibling = metadata()
    collector = metadata(member, source_id=sibling.source_id)
    await put(house, member, sibling, collector)
    house.clock.now += timedelta(seconds=1)
    await house.deletions.delete_flow(ANYONE, collector.id)
    for source_id in (sibling.source_id, member.source_id):
        source = await get_source(house.catalogue, source_id)
        assert source.source_collection == source.collected_by == ()
        assert source.updated == house.clock.now
        assert (await told(house, source_id))[-1] == "sources/updated"
    last = (await house.events(sibling.source_id))[-1]
    assert last.source == await get_source(house.catalogue, sibling.source_id)


async def test_a_deleted_member_leaves_its_collectors(house):
    member, other = metadata(), metadata()
    sibling = metadata(source_id=member.source_id)
    collector = metadata(member, other)
    await put(house, member, other, sibling, collector)
    before = await get_flow(house.catalogue, collector.id)
    await house.deletions.delete_flow(ANYONE, member.id)
    after = await get_flow(house.catalogue, collector.id)
    assert [item.id for item in after.flow_collection] == [other.id]
    assert after.metadata_version != before.metadata_version
    assert await told(house, collector.id) == ["flows/created", "flows/updated"]
    assert collected(await get_source(house.catalogue, collector.source_id)) == [other.source_id]
    assert (await get_source(house.catalogue, member.source_id)).collected_by == ()
    assert (await told(house, member.source_id))[-1] == "sources/updated"


async def test_the_last_flow_takes_its_source_along(house):
    flow = metadata()
    await put(house, flow)
    await house.deletions.delete_flow(ANYONE, flow.id)
    assert await get_source(house.catalogue, flow.source_id) is None
    assert await told(house, flow.source_id) == ["sources/created", "sources/deleted"]
    assert await told(house, flow.id) == ["flows/created", "flows/deleted"]


async def test_flows_of_one_source_agree_whichever_of_them_came_first(house):
    a, b = metadata(), metadata()
    source_id = new_id()
    eldest = metadata(source_id=source_id)
    await put(house, a, b, eldest)
    await put(house, metadata(b, source_id=source_id), metadata(b, a, source_id=source_id))
    await put(house, replace(eldest, flow_collection=(CollectionItem(id=a.id),)))
    source = await get_source(house.catalogue, source_id)
    assert source.source_collection == tuple(SourceMember(id=member.source_id) for member in (b, a))
    with pytest.raises(Invalid, match="same order"):
        await put(house, metadata(a, b, source_id=source_id))


async def test_a_put_that_changes_nothing_tells_nothing(house):
    flow = metadata(label="x", tags={"a": ("b",)})
    await put(house, flow)
    before = await get_flow(house.catalogue, flow.id)
    house.clock.now += timedelta(seconds=1)
    await put(house, flow)
    assert await get_flow(house.catalogue, flow.id) == before
    assert await told(house, flow.id) == ["flows/created"]


async def test_a_read_only_flow_can_only_be_made_writable(house):
    flow = metadata(read_only=True)
    await put(house, flow)
    with pytest.raises(FlowReadOnly):
        await put(house, replace(flow, label="new"))
    with pytest.raises(FlowReadOnly):
        await house.flows.change(ANYONE, flow.id, lambda old: replace(old, label="new"))
    with pytest.raises(FlowReadOnly):
        await house.deletions.delete_flow(ANYONE, flow.id)
    await house.flows.set_read_only(ANYONE, flow.id, read_only=False)
    await put(house, replace(flow, label="new"))
    assert (await get_flow(house.catalogue, flow.id)).label == "new"
