"""A store that is looked at, and faults that nothing but a broken machine could bring."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import apsw
import asyncpg

from tams.domain.access import ANYONE
from tams.domain.faults import Fault
from tams.domain.flows import DataParameters
from tams.domain.objects import Instance
from tams.domain.segments import NewSegment
from tams.domain.storage import StorageRequest
from tams.domain.timerange import SECOND, TimeRange
from tams.services.checkup import Checkup
from tams.services.repairs import Repairs
from tests.catalogue.building import add_flows, make_flow
from tests.garbage.store import Store
from tests.services.conftest import HOT, URL_LIFETIME, once
from tests.services.copying import COLD

LATER = URL_LIFETIME + timedelta(seconds=1)


class CheckedStore(Store):
    """A store with what every fault is planted in: Flows, Segments, bytes, copies."""

    def checkup(self, slice_size: int = 7, storages=None) -> Checkup:
        """A check with slices so small that faults lie on their borders."""
        return Checkup(
            self.catalogue,
            self.storages if storages is None else storages,
            self.clock,
            url_lifetime=URL_LIFETIME,
            slice_size=slice_size,
        )

    def repairs(self) -> Repairs:
        return Repairs(self.catalogue, self.storages, self.clock, url_lifetime=URL_LIFETIME)

    async def faults(self, **asked) -> Sequence[Fault]:
        """All that a check finds."""
        return [fault async for fault in self.checkup(**asked).faults()]

    async def flow(self, **known) -> str:
        """A new Flow."""
        flow = make_flow(**known)
        await add_flows(self.catalogue, flow)
        return flow.id

    async def flow_with_init(self) -> str:
        """A new Flow whose Objects need an initialisation Object."""
        return await self.flow(essence_parameters=DataParameters(init_segments=True))

    async def allocate(self, flow_id: str, *object_ids: str) -> None:
        """Objects without bytes."""
        request = StorageRequest(object_ids=object_ids, storage_id=HOT.id)
        await self.allocation.allocate(ANYONE, "http://store.example", flow_id, request)

    async def register(self, flow_id: str, object_id: str, slot: int, **known) -> None:
        """A Segment of one second."""
        assert not await self.segments.add(ANYONE, flow_id, [_second(object_id, slot, **known)])

    async def instance(self, object_id: str, storage_id: str = HOT.id) -> Instance:
        """Where an Object lies, registered or not."""
        holders = await self.catalogue.read(lambda tx: tx.inspection.holders([object_id]))
        there = [each for each in holders if each.storage_id == storage_id]
        found = max(there, key=lambda each: each.is_listed)
        return Instance(found.storage_id, found.place)

    async def upload(self, object_id: str, content: bytes = b"media") -> None:
        """The bytes of an Object."""
        key = (await self.instance(object_id)).key
        await self.storages[HOT.id].write(key, "video/mp2t", {}, once(content))

    async def fill(self, flow_id: str, *object_ids: str) -> None:
        """Segments of new Objects with bytes, one after the other from the beginning."""
        await self.allocate(flow_id, *object_ids)
        for object_id in object_ids:
            await self.upload(object_id)
        posts = [_second(object_id, slot) for slot, object_id in enumerate(object_ids)]
        assert not await self.segments.add(ANYONE, flow_id, posts)

    async def copy(self, object_id: str) -> None:
        """A second instance, in `cold`."""
        await self.instances.add(ANYONE, object_id, Instance(COLD.id))
        await self.work_off()

    def file(self, instance: Instance) -> Path:
        """Where bytes lie."""
        return self.storages.local[instance.storage_id].root / instance.key

    async def run(self, *statements: str) -> None:
        """Change the catalogue as no program of ours would."""
        if self.url.startswith("sqlite"):
            database = apsw.Connection(unquote(urlsplit(self.url).path[1:]))
            database.set_busy_timeout(5000)
            for statement in statements:
                database.execute(statement)
            database.close()
        else:
            connection = await asyncpg.connect(self.url)
            await connection.execute("SET session_replication_role = replica")  # no foreign keys
            for statement in statements:
                await connection.execute(statement)
            await connection.close()

    @staticmethod
    def real_now() -> datetime:
        """What the clock of the folders says."""
        return datetime.now(UTC)


def _second(object_id: str, slot: int, **known) -> NewSegment:
    timerange = TimeRange(slot * SECOND, (slot + 1) * SECOND)
    return NewSegment(object_id=object_id, timerange=timerange, **known)
