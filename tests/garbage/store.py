"""A store that anything can happen to: real folders and a real catalogue, but no web server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from tams.catalogue.base import Catalogue, T, Work
from tams.catalogue.connect import catalogue as connect
from tams.domain.jobs import ClaimedJob
from tams.domain.storage import MediaUrl
from tams.domain.targets import Targets
from tams.errors import StorageFailed
from tams.outbound import Outbound
from tams.services.cleanup import CleanUp
from tams.services.copies import Copies
from tams.services.deletions import Deletions
from tams.services.elsewhere import Elsewhere
from tams.services.flows import Flows
from tams.services.instances import Instances
from tams.services.media import Media
from tams.services.objects import Objects
from tams.services.queue import LONG_LEASE, Handler, Queue, back_off
from tams.services.restoration import Restoration
from tams.services.segments import Segments
from tams.services.soft_deletion import SoftDeletion
from tams.services.storage import StorageAllocation
from tams.services.trash import Trash
from tams.storage.base import StoredObject
from tams.storage.copying import Source
from tams.storage.local import LocalStorage
from tams.storage.signing import MediaUrls
from tams.storage.storages import Storages
from tams.workers.loop import Worker
from tests.media_server import SECRET
from tests.services.conftest import (
    EVENT_RETENTION,
    HOT,
    OBJECT_TIMEOUT,
    RETENTION,
    URL_LIFETIME,
    Clock,
)
from tests.services.copying import COLD

THRESHOLD = 1
"""More Segments than this are deleted behind the answer."""
TRASH_RETENTION = timedelta(hours=3)
"""For how long soft deletions can be taken back."""
MAX_SIZE = 1000
BACKENDS = {HOT.id: "hot", COLD.id: "cold"}


class Crash(BaseException):
    """The process ends here: nothing catches that, and nothing comes after it."""


Happening = Callable[[], Awaitable[None]]


class Moments:
    """The moments before and after each transaction and each change of bytes."""

    def __init__(self) -> None:
        self._left = 0
        self._happening: Happening | None = None

    def arm(self, moments: int, happening: Happening) -> None:
        """Let something happen once, when so many moments have passed."""
        self._left, self._happening = moments, happening

    def disarm(self) -> None:
        """Let nothing happen any more."""
        self._happening = None

    async def pass_one(self) -> None:
        """Come to the next moment."""
        if self._happening is None:
            return
        if self._left:
            self._left -= 1
            return
        happening, self._happening = self._happening, None
        await happening()


class WatchedCatalogue(Catalogue):
    """A catalogue with a moment on both sides of each transaction."""

    def __init__(self, inner: Catalogue, moments: Moments) -> None:
        self._inner = inner
        self._moments = moments

    async def open(self) -> None:
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    async def ping(self) -> None:
        await self._inner.ping()

    async def read(self, work: Work[T]) -> T:
        return await self._between(self._inner.read(work))

    async def write(self, work: Work[T]) -> T:
        return await self._between(self._inner.write(work))

    async def _between(self, transaction: Awaitable[T]) -> T:
        try:
            await self._moments.pass_one()
        except BaseException:
            transaction.close()
            raise
        result = await transaction
        await self._moments.pass_one()
        return result


class WatchedStorage(LocalStorage):
    """A folder with a moment on both sides of each change."""

    def __init__(self, *known: object, moments: Moments) -> None:
        super().__init__(*known)
        self._moments = moments

    async def write(
        self,
        key: str,
        content_type: str,
        checksums: Mapping[str, str],
        chunks: AsyncIterator[bytes],
    ) -> StoredObject:
        await self._moments.pass_one()
        stored = await super().write(key, content_type, checksums, chunks)
        await self._moments.pass_one()
        return stored

    async def delete_many(self, keys: Sequence[str]) -> Mapping[str, StorageFailed]:
        failed: dict[str, StorageFailed] = {}
        for key in keys:
            await self._moments.pass_one()
            failed |= await super().delete_many([key])
            await self._moments.pass_one()
        return failed


class WatchedCleanUp(CleanUp):
    """Tells how long each Object that cannot be removed now has to wait."""

    def __init__(
        self, *known: object, disturb: Callable[[timedelta], None], **more: object
    ) -> None:
        super().__init__(*known, **more)
        self._disturb = disturb

    async def _delete_bytes(self, jobs: Sequence[ClaimedJob]) -> Mapping[int, StorageFailed]:
        failures = await super()._delete_bytes(jobs)
        for job in jobs:
            if job.subject in failures:
                self._disturb(back_off(job.attempt))
        return failures


class Nowhere(Elsewhere):
    """Nothing can be fetched from the URLs of others."""

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[Source]:
        raise StorageFailed(f"nothing lies at {url}")
        yield


class Store:
    """The services over one catalogue and two folders; it can be closed and opened again.

    `disturbed_until` is when all that went wrong is over: leases of the dead, and waits of jobs
    that failed.
    """

    def __init__(self, url: str, folder: Path, url_lifetime: timedelta = URL_LIFETIME) -> None:
        self.url = url
        self.folder = folder
        self.clock = Clock()
        self.moments = Moments()
        self.disturbed_until = self.clock.now
        self.put_urls: dict[str, MediaUrl] = {}
        self.given: list[MediaUrl] = []
        self._url_lifetime = url_lifetime
        self._opened = AsyncExitStack()

    async def open(self) -> None:
        """Build and open everything."""
        inner = connect(self.url, synchronous="OFF", connections=4, clock=self.clock)
        self.catalogue = WatchedCatalogue(inner, self.moments)
        urls = MediaUrls(SECRET, self.clock, timeout=3600, window=900)
        self.storages = Storages(
            WatchedStorage(backend, self.folder / BACKENDS[backend.id], urls, moments=self.moments)
            for backend in (HOT, COLD)
        )
        for opened in (self.catalogue, self.storages):
            await opened.open()
            self._opened.push_async_callback(opened.close)
        self._build()

    def _build(self) -> None:
        facts, storages, clock = self.catalogue, self.storages, self.clock
        self.flows = Flows(facts, clock)
        self.segments = Segments(
            facts,
            storages.signer,
            clock,
            backend_labels=storages.labels,
            url_lifetime=self._url_lifetime,
        )
        self.allocation = StorageAllocation(
            facts, storages, clock, default=1, maximum=10, object_timeout=OBJECT_TIMEOUT
        )
        self.objects = Objects(facts, storages.signer)
        self.instances = Instances(facts, storages, clock, url_lifetime=self._url_lifetime)
        self.media = Media(storages.local, max_size=MAX_SIZE)
        self.deletions = Deletions(
            facts,
            clock,
            url_lifetime=self._url_lifetime,
            threshold=THRESHOLD,
            retention=RETENTION,
            slice_size=1,
        )
        self.soft_deletion = SoftDeletion(
            facts, self.deletions, clock, url_lifetime=self._url_lifetime
        )
        self.restoration = Restoration(facts, clock, object_timeout=OBJECT_TIMEOUT)
        self.trash = Trash(facts, clock, url_lifetime=self._url_lifetime, retention=TRASH_RETENTION)
        self.cleanup = WatchedCleanUp(
            facts,
            storages,
            clock,
            disturb=self.disturb,
            url_lifetime=self._url_lifetime,
            event_retention=EVENT_RETENTION,
        )
        copies = Copies(facts, storages, Nowhere(Outbound(Targets.parse("")), max_size=0), clock)
        handlers = {**self.deletions.handlers, **copies.handlers, **copies.removals}
        watched = {kind: self._watched(handler) for kind, handler in handlers.items()}
        self._chores = Queue(facts, clock, watched).run_due, self.cleanup.remove_objects

    def _watched(self, handler: Handler) -> Handler:
        async def work(job: ClaimedJob) -> None:
            try:
                await handler(job)
            except StorageFailed:
                self.disturb(back_off(job.attempt))
                raise

        return work

    def disturb(self, lasting: timedelta = LONG_LEASE) -> None:
        """Note that something goes wrong now, and how long it may be felt."""
        self.disturbed_until = max(self.disturbed_until, self.clock.now + lasting)

    @property
    def is_calm(self) -> bool:
        """Whether nothing that went wrong is still to be felt."""
        return self.clock.now >= self.disturbed_until

    async def close(self) -> None:
        """Close everything."""
        await self._opened.aclose()

    async def restart(self) -> None:
        """Come up again after a crash."""
        self.disturb()
        await self.close()
        await self.open()

    async def work_off(self) -> None:
        """Do all jobs that are due."""
        await Worker(self._chores, interval=0).work_off()

    async def work_once(self) -> None:
        """Do one piece of each that is due."""
        for chore in self._chores:
            await chore()

    def contents(self) -> dict[str, list[str]]:
        """What the files of each backend hold."""
        return {
            storage_id: sorted(path.read_text() for path in _files(self.folder / name))
            for storage_id, name in BACKENDS.items()
        }


def _files(folder: Path) -> list[Path]:
    """The files with bytes, not those with facts about them, nor unfinished uploads."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in found if "/." not in str(path.relative_to(folder.parent))]
