"""What the store says of itself, and what clients read of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tams.catalogue.base import Transaction
from tams.domain.instances import HeldObject
from tams.domain.pages import PageRequest
from tams.domain.segments import Segment, SegmentQuery
from tams.domain.storage import MediaUrl
from tams.domain.timerange import ETERNITY, SECOND
from tams.errors import NotFound
from tests.garbage.model import Held, Seen
from tests.garbage.operations import FLOWS, OBJECTS
from tests.garbage.store import Store

Facts = tuple[
    dict[str, dict[int, str] | None],
    dict[str, int],
    frozenset[str],
    dict[str, HeldObject | None],
]


async def look(store: Store) -> Seen:
    """All of it, at one moment."""

    async def work(tx: Transaction) -> Facts:
        listed = {name: await _slots(tx, flow_id) for name, flow_id in FLOWS.items()}
        locked = {name: await tx.flows.lock(flow_id) for name, flow_id in FLOWS.items()}
        requests = {name: each.deletions for name, each in locked.items() if each is not None}
        held = {object_id: await tx.instances.lock(object_id) for object_id in OBJECTS}
        return listed, requests, await tx.objects.taken(OBJECTS), held

    listed, requests, taken, held = await store.catalogue.write(work)
    return Seen(
        {name: there for name, there in listed.items() if there is not None},
        requests,
        set(taken),
        {name: await _held(store, each) for name, each in held.items() if each is not None},
        store.contents(),
    )


async def read_url(store: Store, url: MediaUrl) -> str | None:
    """What a URL gives; None if there is nothing any more."""
    try:
        opened = await store.media.open(url)
    except NotFound:
        return None
    return await _text(opened.chunks(0, opened.stored.size))


async def _slots(tx: Transaction, flow_id: str) -> dict[int, str] | None:
    page = await tx.segments.list(flow_id, SegmentQuery(ETERNITY), PageRequest(100))
    segments = [Segment(*fields) for fields in page.items]
    found = {segment.start // SECOND: segment.object_id for segment in segments}
    if await tx.flows.get(flow_id) is None:
        assert not found, f"{flow_id} is unknown, and has {found}"
        return None
    return found


async def _held(store: Store, held: HeldObject) -> Held:
    places = {}
    for instance in held.instances:
        if instance.key is not None:
            bytes_of = store.storages[instance.storage_id].read(instance.key)
            places[instance.storage_id] = await _text(bytes_of)
    labels = {each.label for each in held.instances if each.label is not None}
    return Held(places, labels, set(held.incoming))


async def _text(chunks: AsyncIterator[bytes]) -> str | None:
    try:
        return b"".join([chunk async for chunk in chunks]).decode()
    except NotFound:
        return None
