"""Copies between two folders, with faults where a test wants them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tams.domain.access import ANYONE
from tams.domain.objects import Instance
from tams.domain.targets import Targets
from tams.outbound import Outbound
from tams.services.cleanup import CleanUp
from tams.services.copies import Copies
from tams.services.elsewhere import Elsewhere
from tams.services.instances import Instances
from tams.services.queue import Queue
from tams.storage.base import StoredObject
from tams.storage.local import LocalStorage
from tams.storage.signing import MediaUrls
from tams.storage.storages import Storages
from tests.media_server import SECRET
from tests.services.conftest import EVENT_RETENTION, HOT, URL_LIFETIME, House, once, work_off

COLD = replace(HOT, id="22222222-2222-4222-8222-222222222222", label="cold", default_storage=False)
MAX_SIZE = 3_000_000
CONTENT = bytes(range(256)) * 8000

Hook = Callable[[], Awaitable[None]]


async def nothing() -> None:
    pass


class Watched(LocalStorage):
    """Calls a hook at each step of a write and of what is read back."""

    before: Hook = staticmethod(nothing)
    midway: Hook = staticmethod(nothing)
    written: Hook = staticmethod(nothing)
    read_back: Hook = staticmethod(nothing)

    async def write(
        self,
        key: str,
        content_type: str,
        checksums: Mapping[str, str],
        chunks: AsyncIterator[bytes],
    ) -> StoredObject:
        async def watched() -> AsyncIterator[bytes]:
            async for chunk in chunks:
                yield chunk
                await self.midway()

        await self.before()
        stored = await super().write(key, content_type, checksums, watched())
        await self.written()
        return stored

    async def read(
        self, key: str, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        async with aclosing(super().read(key, start, end)) as chunks:
            async for chunk in chunks:
                yield chunk
        await self.read_back()


@dataclass
class Copying:
    """Services that copy and remove, over the house's catalogue and clock."""

    house: House
    hot: LocalStorage
    cold: Watched
    instances: Instances
    outbound: Outbound
    queue: Queue
    cleanup: CleanUp

    async def stored(self, object_id: str = "a", content: bytes = CONTENT) -> str:
        """A Flow with a Segment of a new Object, whose bytes lie in `hot`; gives the Flow's id."""
        flow_id = await self.house.flow()
        await self.house.allocate(flow_id, object_id)
        assert await self.house.post(flow_id, object_id, "[0:0_1:0)") is None
        (own,) = await self.listed(object_id)
        await self.hot.write(own.key, "video/mp2t", {}, once(content))
        return flow_id

    async def add(self, object_id: str = "a", **asked: Any) -> None:
        """Ask for an instance; for a copy to `cold` unless told otherwise."""
        wanted = Instance(**asked or {"storage_id": COLD.id})
        await self.instances.add(ANYONE, object_id, wanted)

    async def remove(
        self, object_id: str = "a", *, storage_id: str | None = None, label: str | None = None
    ) -> None:
        """Remove an instance."""
        await self.instances.remove(ANYONE, object_id, storage_id=storage_id, label=label)

    async def listed(self, object_id: str = "a") -> tuple[Instance, ...]:
        """The instances that clients see; none of an unknown Object."""
        found = await self.house.catalogue.read(lambda tx: tx.objects.get(object_id))
        return () if found is None else found.instances

    async def held_by(self, *storages: LocalStorage) -> list[bytes]:
        """All bytes that lie there, listed or not."""
        return [path.read_bytes() for each in storages for path in sorted(files(each.root))]

    async def content_of(self, instance: Instance) -> bytes:
        """The bytes of a controlled instance."""
        storage = self.cold if instance.storage_id == COLD.id else self.hot
        return b"".join([chunk async for chunk in storage.read(instance.key)])

    async def work_off(self) -> int:
        """Do all jobs that are due; gives how many pieces that took."""
        return await work_off(self.queue.run_due, self.cleanup.remove_objects)


def files(root: Path) -> list[Path]:
    """The files with bytes below a folder, not those with facts about them."""
    return [path for path in root.rglob("*") if path.is_file() and not path.name.startswith(".")]


async def open_copying(house: House, folder: Path, allowed: str = "127.0.0.1") -> Copying:
    """Copying with the house's media in `folder / "hot"`; whoever opens it calls `close`."""
    urls = MediaUrls(SECRET, house.clock, timeout=3600, window=900)
    hot = LocalStorage(HOT, folder / "hot", urls)
    cold = Watched(COLD, folder / "cold", urls)
    storages = Storages([hot, cold])
    await storages.open()
    outbound = Outbound(Targets.parse(allowed))
    elsewhere = Elsewhere(outbound, max_size=MAX_SIZE)
    cleanup = CleanUp(
        house.catalogue,
        storages,
        house.clock,
        url_lifetime=URL_LIFETIME,
        event_retention=EVENT_RETENTION,
    )
    copies = Copies(house.catalogue, storages, elsewhere, house.clock)
    handlers = {**house.deletions.handlers, **copies.handlers, **copies.removals}
    return Copying(
        house,
        hot,
        cold,
        Instances(house.catalogue, storages, house.clock, url_lifetime=URL_LIFETIME),
        outbound,
        Queue(house.catalogue, house.clock, handlers),
        cleanup,
    )


async def close(copying: Copying) -> None:
    """Let go of folders and connections."""
    await copying.outbound.close()
    await copying.hot.close()
    await copying.cold.close()
