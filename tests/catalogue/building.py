"""Flows, Sources and Segments for the tests of the catalogue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tams.domain.flows import CollectionItem, DataParameters, Flow
from tams.domain.objects import Instance, NewObject
from tams.domain.pages import Page, PageRequest
from tams.domain.registration import decide
from tams.domain.segments import NewSegment, Segment, SegmentQuery
from tams.domain.sources import ContentFormat, Source
from tams.domain.timerange import TimeRange
from tams.domain.trash import DeletionRecord

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(seconds):
    """A moment, in seconds after NOON."""
    return NOON + timedelta(seconds=seconds)


def make_record(entity_id=None, **known):
    """A record with the least that it needs."""
    values = {
        "id": new_id(),
        "kind": "flow",
        "entity_id": entity_id or new_id(),
        "deleted_at": NOON,
        "deleted_by": "ada",
        "soft": True,
        "cascade": True,
        "state": "restorable",
    }
    return DeletionRecord(**values | known)


def new_id():
    """An id that nothing has."""
    return str(uuid4())


def make_source(**known):
    """A Source with the least that it needs."""
    values = {"id": new_id(), "format": ContentFormat.DATA, "created": NOON, "updated": NOON}
    return Source(**values | known)


def make_flow(*members, **known):
    """A Flow that collects these Flows, with the least that it needs."""
    values = {
        "id": new_id(),
        "source_id": new_id(),
        "format": ContentFormat.DATA,
        "codec": "application/json",
        "container": "application/json",
        "essence_parameters": DataParameters(),
        "created": NOON,
        "metadata_updated": NOON,
        "flow_collection": tuple(CollectionItem(id=member.id) for member in members),
    }
    return Flow(**values | known)


async def add_sources(catalogue, *sources):
    """Store Sources, in this order."""

    async def work(tx):
        for source in sources:
            await tx.sources.add(source)

    await catalogue.write(work)


async def add_flows(catalogue, *flows):
    """Store Flows and those of their Sources that are new, in this order."""

    async def work(tx):
        for flow in flows:
            if await tx.sources.lock(flow.source_id) is None:
                await tx.sources.add(make_source(id=flow.source_id, format=flow.format))
            await tx.flows.add(flow)

    await catalogue.write(work)


async def replace_flow(catalogue, flow):
    """Store a Flow as it is now."""

    async def work(tx):
        await tx.flows.lock(flow.id)
        await tx.flows.replace(flow)

    await catalogue.write(work)


async def remove_flow(catalogue, flow_id):
    """Remove a Flow, and return the key of its row."""

    async def work(tx):
        locked = await tx.flows.lock(flow_id)
        await tx.flows.remove(locked, NOON)
        return locked.key

    return await catalogue.write(work)


async def get_flow(catalogue, flow_id):
    """Read a Flow."""
    return await catalogue.read(lambda tx: tx.flows.get(flow_id))


async def get_source(catalogue, source_id):
    """Read a Source."""
    return await catalogue.read(lambda tx: tx.sources.get(source_id))


async def register(catalogue, flow_id, *timeranges):
    """Register a Segment of a new external Object for each of these timeranges."""
    posts = [
        NewSegment(
            object_id=new_id(),
            timerange=TimeRange.parse(timerange),
            get_urls=(Instance(url="https://media.example/object", label="elsewhere"),),
        )
        for timerange in timeranges
    ]

    async def work(tx):
        flow = await tx.flows.lock(flow_id)
        decision = decide(flow, posts, await tx.segments.survey(flow, posts), frozenset())
        assert not decision.refused
        await tx.segments.add(flow, decision.accepted, NOON)

    await catalogue.write(work)


async def allocate(catalogue, flow_id, *object_ids, expires=NOON + timedelta(hours=2)):
    """Allocate Objects for a Flow."""
    new = [
        NewObject(id=each, storage_id="disk", key=f"at/{each}", content_type="video/mp2t")
        for each in object_ids
    ]

    async def work(tx):
        await tx.objects.allocate(await tx.flows.lock(flow_id), new, NOON, expires)

    await catalogue.write(work)


async def post(catalogue, flow_id, *posts):
    """Register Segments by the rules, as a service does, and return the decision."""

    async def work(tx):
        flow = await tx.flows.lock(flow_id)
        decision = decide(flow, posts, await tx.segments.survey(flow, posts), frozenset())
        await tx.segments.add(flow, decision.accepted, NOON)
        return decision

    return await catalogue.write(work)


def segment_at(object_id, timerange, **known):
    """A Segment to register."""
    return NewSegment(object_id=object_id, timerange=TimeRange.parse(timerange), **known)


async def page_of(
    catalogue, flow_id, timerange="_", *, limit=100, object_id=None, parts=None, **asked
):
    """Read one page of Segments; `parts` are those that `list` may leave out."""
    query = SegmentQuery(TimeRange.parse(timerange), object_id)
    request = PageRequest(limit=limit, **asked)
    page = await catalogue.read(
        lambda tx: tx.segments.list(flow_id, query, request, **(parts or {}))
    )
    return Page([Segment(*fields) for fields in page.items], page.next_key)


async def delete_segments(catalogue, flow_id, timerange="_", object_id=None, **limit):
    """Delete Segments."""
    query = SegmentQuery(TimeRange.parse(timerange), object_id)

    async def work(tx):
        flow = await tx.flows.lock(flow_id)
        return await tx.segments.delete(flow, query, at(60), **limit)

    return await catalogue.write(work)


async def get_object(catalogue, object_id):
    """Read an Object."""
    return await catalogue.read(lambda tx: tx.objects.get(object_id))


async def add_records(catalogue, *records):
    async def work(tx):
        return [await tx.records.add(record) for record in records]

    return await catalogue.write(work)


async def list_records(catalogue, limit=100, **asked):
    return await catalogue.read(lambda tx: tx.records.list(PageRequest(limit, **asked)))
