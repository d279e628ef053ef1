"""What goes on behind the answers: the rows and bytes of what is gone, and old events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from tams.catalogue.base import Catalogue, Transaction
from tams.catalogue.promises.objects import DoomedObject
from tams.domain.clock import Clock
from tams.domain.jobs import ClaimedJob, JobKind
from tams.errors import StorageFailed
from tams.services.queue import Handler
from tams.storage.base import Storage
from tams.storage.storages import in_use


class CleanUp:
    """Does what is due, a piece at a time; any number of workers may, and any of them may die.

    `url_lifetime` is how long a URL that was given out may work, `event_retention` how long
    events are kept.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        storages: Mapping[str, Storage],
        clock: Clock,
        *,
        url_lifetime: timedelta,
        event_retention: timedelta,
    ) -> None:
        self._catalogue = catalogue
        self._storages = storages
        self._clock = clock
        self._url_lifetime = url_lifetime
        self._event_retention = event_retention

    @property
    def handlers(self) -> Mapping[JobKind, Handler]:
        """What it does from the queue."""
        return {"remove_object": self._remove_object}

    async def condemn_expired(self) -> bool:
        """Condemn some Objects that were never registered in time; False if there is none."""

        async def work(tx: Transaction) -> int:
            return await tx.objects.condemn_expired(self._clock())

        return await self._catalogue.write(work) > 0

    async def expire_events(self) -> bool:
        """Drop some events that are too old; False if there is none."""

        async def work(tx: Transaction) -> int:
            return await tx.events.expire(self._clock() - self._event_retention)

        return await self._catalogue.write(work) > 0

    async def _remove_object(self, job: ClaimedJob) -> None:
        """Delete an Object's bytes, then forget it; until then its id stays taken.

        Raises `StorageFailed` if some bytes cannot be deleted now.
        """

        async def read(tx: Transaction) -> DoomedObject | None:
            return await tx.objects.doomed(job.subject)

        doomed = await self._catalogue.read(read)
        if doomed is not None:
            await self._delete_bytes(doomed)

        async def forget(tx: Transaction) -> None:
            await tx.objects.forget(job.subject)
            await tx.jobs.finish(job)

        await self._catalogue.write(forget)

    async def _delete_bytes(self, doomed: DoomedObject) -> None:
        if doomed.is_being_copied:
            raise StorageFailed("a copy is on its way, and its worker has not noticed yet")
        for instance in doomed.instances:
            if instance.key is not None:
                await in_use(self._storages, instance.storage_id).delete(instance.key)
