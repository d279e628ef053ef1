"""The services of media on a catalogue in memory, a folder for bytes, and a clock that is moved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from tams.catalogue.base import Catalogue
from tams.catalogue.sql.sqlite import MEMORY, SQLiteCatalogue
from tams.domain.access import ANYONE
from tams.domain.deletions import DeletionRequest
from tams.domain.pages import PageRequest
from tams.domain.segments import NewSegment, Segment, SegmentQuery
from tams.domain.storage import StorageRequest, UrlFilter
from tams.domain.timerange import TimeRange
from tams.services.cleanup import CleanUp
from tams.services.deletions import Deletions
from tams.services.flows import Flows
from tams.services.objects import Objects
from tams.services.queue import Queue
from tams.services.segments import Segments
from tams.services.storage import StorageAllocation
from tams.storage.local import LocalStorage
from tams.storage.signing import MediaUrls
from tams.storage.storages import Storages
from tams.workers.loop import Chore
from tests.catalogue.building import NOON, add_flows, make_flow
from tests.media_server import BACKEND, SECRET

HOT = replace(BACKEND, default_storage=True)
BASE = "http://store.example"
URL_LIFETIME = timedelta(seconds=4560)
OBJECT_TIMEOUT = timedelta(seconds=7200)
EVENT_RETENTION = timedelta(days=7)
RETENTION = timedelta(days=3)


class Clock:
    """Shows one moment until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self):
        return self.now


@dataclass
class House:
    """Services that share a catalogue, a storage and a clock."""

    catalogue: Catalogue
    storages: Storages
    clock: Clock
    segments: Segments
    storage: StorageAllocation
    objects: Objects
    flows: Flows
    deletions: Deletions
    cleanup: CleanUp

    async def flow(self, **known: Any) -> str:
        """A new Flow."""
        flow = make_flow(**known)
        await add_flows(self.catalogue, flow)
        return flow.id

    async def allocate(self, flow_id: str, *object_ids: str) -> None:
        """Objects with these ids."""
        request = StorageRequest(object_ids=object_ids)
        await self.storage.allocate(ANYONE, BASE, flow_id, request)

    async def post(self, flow_id: str, object_id: str, timerange: str, **known: Any) -> str | None:
        """Register a Segment; gives the reason if it is refused."""
        post = NewSegment(object_id=object_id, timerange=TimeRange.parse(timerange), **known)
        refused = await self.segments.add(ANYONE, flow_id, [post])
        return refused[0].reason if refused else None

    async def fill(self, flow_id: str, number: int) -> None:
        """Segments of one second, of Objects o0, o1 and so on."""
        ids = [f"o{second}" for second in range(number)]
        for start in range(0, number, 1000):
            await self.allocate(flow_id, *ids[start : start + 1000])
        posts = [
            NewSegment(object_id=object_id, timerange=TimeRange(at * 10**9, (at + 1) * 10**9))
            for at, object_id in enumerate(ids)
        ]
        assert not await self.segments.add(ANYONE, flow_id, posts)

    async def timeranges(self, flow_id: str, timerange: str = "_") -> list[str]:
        """The timeranges of the Flow's first Segments that overlap."""
        query = SegmentQuery(TimeRange.parse(timerange))
        page, _ = await self.segments.list(BASE, flow_id, query, PageRequest(5000), UrlFilter())
        return [str(Segment(*fields).timerange) for fields in page.items]

    async def delete(
        self, flow_id: str, timerange: str = "_", object_id: str | None = None
    ) -> DeletionRequest | None:
        """Delete Segments; gives the request if they are many."""
        query = SegmentQuery(TimeRange.parse(timerange), object_id)
        return await self.deletions.delete_segments(ANYONE, flow_id, query)

    async def write(self, object_id: str) -> str:
        """Store bytes for an Object; gives their key."""

        async def work(tx):
            return await tx.objects.get(object_id)

        found = await self.catalogue.read(work)
        key = found.instances[0].key
        await self.storages[HOT.id].write(key, "video/mp2t", {}, once(b"media"))
        return key

    async def has_bytes(self, key: str) -> bool:
        """Whether bytes lie under a key."""
        return await self.storages[HOT.id].head(key) is not None

    async def taken(self, *object_ids: str) -> frozenset[str]:
        """Those of the ids that are not free."""
        return await self.catalogue.read(lambda tx: tx.objects.taken(object_ids))

    async def events(self, entity_id: str):
        """The events of a Flow or Source."""
        return await self.catalogue.read(lambda tx: tx.events.of(entity_id))

    async def work_off(self) -> int:
        """Do all jobs that are due; gives how many pieces that took."""
        queue = Queue(self.catalogue, self.clock, self.deletions.handlers)
        return await work_off(queue.run_due, self.cleanup.remove_objects)


async def work_off(*chores: Chore) -> int:
    """Do all that is due; gives how many pieces that took."""
    done = 0
    while any(worked := [await chore() for chore in chores]):
        done += sum(worked)
    return done


async def once(content: bytes):
    yield content


@pytest.fixture
async def house(tmp_path):
    clock = Clock()
    catalogue = SQLiteCatalogue(MEMORY, clock=clock)
    urls = MediaUrls(SECRET, clock, timeout=3600, window=900)
    storages = Storages([LocalStorage(HOT, tmp_path, urls)])
    await catalogue.open()
    await storages.open()
    yield House(
        catalogue,
        storages,
        clock,
        Segments(
            catalogue,
            storages.signer,
            clock,
            backend_labels=storages.labels,
            url_lifetime=URL_LIFETIME,
        ),
        StorageAllocation(
            catalogue,
            storages,
            clock,
            default=3,
            maximum=1000,
            object_timeout=OBJECT_TIMEOUT,
        ),
        Objects(catalogue, storages.signer),
        Flows(catalogue, clock),
        Deletions(
            catalogue,
            clock,
            url_lifetime=URL_LIFETIME,
            threshold=1000,
            retention=RETENTION,
        ),
        CleanUp(
            catalogue,
            storages,
            clock,
            url_lifetime=URL_LIFETIME,
            event_retention=EVENT_RETENTION,
        ),
    )
    await storages.close()
    await catalogue.close()
