"""What deletions keep, until it is taken back or let go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tams.catalogue.promises.segments import MAX_SEGMENTS
from tams.domain.flows import CollectionItem, DataParameters, FlowQuery
from tams.domain.pages import PageRequest
from tams.domain.segments import SegmentQuery
from tams.domain.timerange import ETERNITY, TimeRange
from tams.errors import Invalid
from tams.services.flows import flow_event
from tests.catalogue.building import (
    NOON,
    add_flows,
    add_records,
    allocate,
    at,
    delete_segments,
    get_flow,
    get_object,
    list_records,
    make_flow,
    make_record,
    new_id,
    page_of,
    post,
    register,
    segment_at,
)

WHOLE = SegmentQuery(ETERNITY)
DUE = at(3600)


async def bury(catalogue, flow, items=()):
    """Bury a Flow; returns the key of the deletion."""

    async def work(tx):
        key = await tx.records.add(make_record(flow.id))
        await tx.trash.bury_flow(await tx.flows.lock(flow.id), key, NOON, items)
        return key

    return await catalogue.write(work)


async def bury_segments(catalogue, flow, timerange="_"):
    async def work(tx):
        key = await tx.records.add(make_record(flow.id, kind="segments"))
        query = SegmentQuery(TimeRange.parse(timerange))
        locked = await tx.flows.lock(flow.id)
        return key, await tx.trash.bury_segments(locked, query, key, at(5))

    return await catalogue.write(work)


async def revive(catalogue, key):
    await catalogue.write(lambda tx: tx.trash.revive_flows(key))


async def condemn(catalogue, *object_ids):
    """Have those condemned that nothing holds; gives their number."""

    async def work(tx):
        keys = [each.key for each in await tx.inspection.holders(object_ids)]
        await tx.objects.condemn(keys, DUE)
        return len(await tx.objects.doomed(keys))

    return await catalogue.write(work)


@pytest.fixture
async def flow(catalogue):
    """A Flow with two Segments, of `a` and `b`, and tags."""
    made = make_flow(label="kept", tags={"colour": ("red", "blue")})
    await add_flows(catalogue, made)
    await allocate(catalogue, made.id, "a", "b")
    await post(catalogue, made.id, segment_at("a", "[0:0_1:0)"), segment_at("b", "[1:0_2:0)"))
    return await get_flow(catalogue, made.id)


async def test_a_buried_flow_is_hidden_and_comes_back_as_it_was(catalogue, flow):
    segments = await page_of(catalogue, flow.id)
    key = await bury(catalogue, flow)
    assert await get_flow(catalogue, flow.id) is None
    assert await catalogue.write(lambda tx: tx.flows.lock(flow.id)) is None
    assert (await page_of(catalogue, flow.id)).items == []
    assert await get_object(catalogue, "a") is None
    listing = await catalogue.read(lambda tx: tx.flows.list(FlowQuery(), PageRequest(10)))
    assert listing.items == []
    assert not await catalogue.read(lambda tx: tx.sources.has_flows(flow.source_id))
    assert await catalogue.read(lambda tx: tx.trash.flow_ids(flow.source_id)) == []
    await revive(catalogue, key)
    assert await get_flow(catalogue, flow.id) == flow
    assert await page_of(catalogue, flow.id) == segments
    assert (await get_object(catalogue, "a")).first_referenced_by_flow == flow.id


async def test_what_is_buried_holds_its_objects(catalogue, flow):
    key = await bury(catalogue, flow)
    assert await condemn(catalogue, "a", "b") == 0
    [row] = await catalogue.write(lambda tx: tx.trash.let_go(key))
    removed = await catalogue.write(lambda tx: tx.segments.remove_slice(row))
    assert removed.number == 2
    assert await condemn(catalogue, "a", "b") == 2


async def test_no_job_removes_what_is_buried(catalogue, flow):
    locked = await catalogue.write(lambda tx: tx.flows.lock(flow.id))
    key = await bury(catalogue, flow)
    assert (await catalogue.write(lambda tx: tx.segments.remove_slice(locked.key))).number == 0
    await catalogue.write(lambda tx: tx.flows.forget(locked.key))
    await revive(catalogue, key)
    assert len((await page_of(catalogue, flow.id)).items) == 2


async def test_init_objects_are_held_with_what_needs_them(catalogue):
    made = make_flow(essence_parameters=DataParameters(init_segments=True))
    await add_flows(catalogue, made)
    await allocate(catalogue, made.id, "init", "media")
    await post(catalogue, made.id, segment_at("media", "[0:0_1:0)", init_object_id="init"))
    key = await bury(catalogue, made)
    assert await condemn(catalogue, "media") == 0
    assert await get_object(catalogue, "init") is None
    other = make_flow(essence_parameters=DataParameters(init_segments=True))
    await add_flows(catalogue, other)
    await allocate(catalogue, other.id, "more")
    refused = await post(
        catalogue, other.id, segment_at("more", "[0:0_1:0)", init_object_id="init")
    )
    assert len(refused.refused) == 1
    await revive(catalogue, key)
    assert await get_object(catalogue, "init") is not None


async def test_the_id_of_a_buried_flow_is_free(catalogue, flow):
    key = await bury(catalogue, flow)
    again = make_flow(id=flow.id, source_id=flow.source_id, label="again")
    await add_flows(catalogue, again)
    assert (await page_of(catalogue, flow.id)).items == []
    second = await bury(catalogue, again)
    await revive(catalogue, second)
    assert (await get_flow(catalogue, flow.id)).label == "again"
    await bury(catalogue, again)
    await revive(catalogue, key)
    assert (await get_flow(catalogue, flow.id)).label == "kept"


async def test_changes_are_counted_on_from_those_of_another_life(catalogue, flow):
    async def tell(tx):
        before = await tx.flows.lock(flow.id)
        await tx.events.append(*[flow_event("flows/updated", flow)] * 9)
        return before.ordinal

    key = await bury(catalogue, flow)
    await add_flows(catalogue, again := make_flow(id=flow.id, source_id=flow.source_id))
    told = await catalogue.write(tell) + 9
    await bury(catalogue, again)
    await revive(catalogue, key)
    assert await catalogue.write(tell) == told


async def test_what_a_flow_collected_is_kept_and_no_longer_collected(catalogue, flow):
    collector = make_flow(flow)
    await add_flows(catalogue, collector)
    items = (CollectionItem(id=flow.id, role="main"), CollectionItem(id=new_id()))
    key = await bury(catalogue, collector, items)
    assert (await get_flow(catalogue, flow.id)).collected_by == ()
    assert await catalogue.read(lambda tx: tx.trash.flows(key)) == [(collector.id, items)]
    page = await list_flows(catalogue, "only")
    assert [each.item.flow_collection for each in page.items] == [items]


async def test_buried_segments_are_hidden_and_come_back_as_if_new(catalogue, flow):
    before = await page_of(catalogue, flow.id)
    key, buried = await bury_segments(catalogue, flow, "[0:0_1:0)")
    assert (buried.number, str(buried.timerange), buried.rest) == (1, "[0:0_1:0)", None)
    assert [each.object_id for each in (await page_of(catalogue, flow.id)).items] == ["b"]
    assert await condemn(catalogue, "a") == 0
    assert (await get_flow(catalogue, flow.id)).segments_updated == at(5)
    for shown, number in (("only", 0), ("include", 1)):
        assert len((await list_flows(catalogue, shown)).items) == number

    async def give_back(tx):
        locked = await tx.flows.lock(flow.id)
        assert await tx.trash.in_the_way(locked, key) == 0
        return locked, await tx.trash.revive_segments(locked, key, at(6))

    locked, revived = await catalogue.write(give_back)
    assert [(each.object_id, str(each.timerange)) for each in revived] == [("a", "[0:0_1:0)")]
    assert await page_of(catalogue, flow.id) == before
    # An older deletion of everything takes no Segment that came back later.
    query = SegmentQuery(TimeRange.parse("[0:0_1:0)"))

    async def delete(tx):
        now = await tx.flows.lock(flow.id)
        return await tx.segments.delete(now, query, at(7), ordinal=locked.ordinal)

    assert (await catalogue.write(delete)).number == 0
    assert await catalogue.write(lambda tx: tx.trash.let_go(key)) == []


@pytest.mark.parametrize(
    ("timerange", "number"),
    [
        ("[0:0_1:0)", 1),
        ("[0:999999999_1:0)", 1),
        ("[0:500000000_1:500000000)", 2),
        ("[-1:0_3:0)", 2),
        ("[2:0_3:0)", 0),
        ("[-1:0_0:0)", 0),
    ],
)
async def test_segments_that_would_overlap_are_counted(catalogue, flow, timerange, number):
    key, _ = await bury_segments(catalogue, flow)
    await register(catalogue, flow.id, timerange)

    async def work(tx):
        return await tx.trash.in_the_way(await tx.flows.lock(flow.id), key)

    assert await catalogue.write(work) == number


async def test_segments_are_kept_for_the_flow_from_which_they_came(catalogue, flow):
    async def latest(tx):
        locked = await tx.flows.lock(flow.id)
        return await tx.records.lock_segments(locked)

    first, _ = await bury_segments(catalogue, flow, "[0:0_1:0)")
    second, _ = await bury_segments(catalogue, flow, "[1:0_2:0)")
    assert (await catalogue.write(latest)).key == second
    locked = await catalogue.write(lambda tx: tx.flows.lock(flow.id))
    await bury(catalogue, flow)
    await add_flows(catalogue, make_flow(id=flow.id, source_id=flow.source_id))
    assert await catalogue.write(latest) is None
    rows = await catalogue.write(lambda tx: tx.trash.let_go_of(locked.key, at(8)))
    assert len(rows) == 2
    states = [
        each.state for each in (await list_records(catalogue)).items if each.kind == "segments"
    ]
    assert states == ["purged", "purged"]
    assert await catalogue.write(lambda tx: tx.trash.let_go_of(locked.key, at(8))) == []
    for row in rows:
        assert (await catalogue.write(lambda tx, row=row: tx.segments.remove_slice(row))).number
    assert first < second


async def test_many_segments_are_buried_at_once(catalogue):
    made = make_flow()
    await add_flows(catalogue, made)
    times = [f"[{second}:0_{second + 1}:0)" for second in range(MAX_SEGMENTS)]
    await register(catalogue, made.id, *times)
    key, buried = await bury_segments(catalogue, made)
    assert buried.number == MAX_SEGMENTS

    async def give_back(tx):
        locked = await tx.flows.lock(made.id)
        return await tx.trash.revive_segments(locked, key, NOON)

    assert len(await catalogue.write(give_back)) == MAX_SEGMENTS
    assert (await delete_segments(catalogue, made.id)).number == MAX_SEGMENTS


async def list_flows(catalogue, shown, query=None, **asked):
    request = PageRequest(100, **asked)
    return await catalogue.read(
        lambda tx: tx.trash.list_flows(query or FlowQuery(), request, shown)
    )


async def test_flows_are_listed_with_the_record_of_their_deletion(catalogue, flow):
    other = make_flow(label="living", created=at(1))
    await add_flows(catalogue, other)
    await bury(catalogue, flow)
    [record] = (await list_records(catalogue)).items
    only = await list_flows(catalogue, "only")
    assert only.items == [(replace(flow, collected_by=()), record)]
    both = await list_flows(catalogue, "include")
    assert [(each.item.id, each.record) for each in both.items] == [
        (other.id, None),
        (flow.id, record),
    ]
    one = await list_flows(catalogue, "include", FlowQuery(label="kept"))
    assert [each.item.id for each in one.items] == [flow.id]
    for shown, query, number in (
        ("only", FlowQuery(), 1),
        ("include", FlowQuery(), 2),
        ("only", FlowQuery(label="living"), 0),
    ):
        asked = query, shown
        assert await catalogue.read(lambda tx, it=asked: tx.trash.count_flows(*it)) == number
    await add_flows(catalogue, make_flow())
    living = await catalogue.read(lambda tx: tx.flows.list(FlowQuery(), PageRequest(1)))
    with pytest.raises(Invalid, match="page"):
        await list_flows(catalogue, "only", key=living.next_key)


async def test_an_object_that_waits_is_hidden_and_waits_on(catalogue, flow):
    await allocate(catalogue, flow.id, "waits", expires=at(10))

    async def waits():
        return await catalogue.write(lambda tx: tx.trash.lock_unregistered("waits"))

    assert await waits()
    for other in ("a", "nobody"):
        assert not await catalogue.write(lambda tx, it=other: tx.trash.lock_unregistered(it))
    [key] = await add_records(catalogue, make_record("waits", kind="object"))
    await catalogue.write(lambda tx: tx.trash.bury_object("waits", key))
    assert not await waits()
    refused = await post(catalogue, flow.id, segment_at("waits", "[5:0_6:0)"))
    assert len(refused.refused) == 1
    assert await catalogue.write(lambda tx: tx.objects.condemn_expired(at(20))) == 0
    assert await catalogue.write(lambda tx: tx.objects.abandon(["waits"], at(20))) == []
    assert not await catalogue.write(lambda tx: tx.trash.revive_object("waits", key + 1, at(30)))
    assert await catalogue.write(lambda tx: tx.trash.revive_object("waits", key, at(30)))
    assert await catalogue.write(lambda tx: tx.objects.condemn_expired(at(29))) == 0
    accepted = await post(catalogue, flow.id, segment_at("waits", "[5:0_6:0)"))
    assert not accepted.refused


@pytest.mark.parametrize("is_kept", [True, False])
async def test_an_object_that_waits_is_condemned(catalogue, flow, is_kept):
    await allocate(catalogue, flow.id, "waits")
    key = 1 if is_kept else None
    if is_kept:
        await catalogue.write(lambda tx: tx.trash.bury_object("waits", key))
    for other in (None if is_kept else 1, 2):
        await catalogue.write(lambda tx, it=other: tx.trash.condemn_unregistered("waits", DUE, it))
    assert not await catalogue.write(lambda tx: tx.jobs.claim(DUE, at(9999), limit=9))
    await catalogue.write(lambda tx: tx.trash.condemn_unregistered("waits", DUE, key))
    await catalogue.write(lambda tx: tx.trash.condemn_unregistered("a", DUE))
    assert await catalogue.read(lambda tx: tx.objects.taken(["waits"])) == {"waits"}
    jobs = await catalogue.write(lambda tx: tx.jobs.claim(DUE, at(9999), limit=9))
    [key] = [job.subject for job in jobs]
    [doomed] = await catalogue.read(lambda tx: tx.objects.doomed([key]))
    assert [each.key for each in doomed.instances] == ["at/waits"]
    assert await get_object(catalogue, "a") is not None


async def test_objects_that_would_be_used_no_more_are_counted(catalogue, flow):
    other = make_flow()
    await add_flows(catalogue, other)
    await post(catalogue, other.id, segment_at("a", "[0:0_1:0)"))
    await post(catalogue, flow.id, segment_at("b", "[7:0_8:0)", ts_offset=6 * 10**9))

    async def last_uses(one, timerange):
        query = SegmentQuery(TimeRange.parse(timerange))

        async def work(tx):
            return await tx.trash.last_uses(await tx.flows.lock(one.id), query)

        return await catalogue.write(work)

    assert await last_uses(flow, "[0:0_2:0)") == 0
    assert await last_uses(flow, "_") == 1
    assert await last_uses(flow, "[3:0_4:0)") == 0
    await bury(catalogue, other)
    assert await last_uses(flow, "[0:0_2:0)") == 1
    assert await last_uses(flow, "_") == 2
