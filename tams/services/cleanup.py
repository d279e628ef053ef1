"""What goes on behind the answers: the rows and bytes of what is gone, and old events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import structlog

from tams.catalogue.base import MAX_SEGMENTS, Catalogue, Transaction
from tams.domain.clock import Clock
from tams.domain.jobs import ClaimedJob
from tams.domain.objects import Instance
from tams.errors import StorageFailed
from tams.storage.base import Storage

LEASE = timedelta(minutes=5)
"""How long a job belongs to the worker that claimed it; each takes far less."""

_log = structlog.get_logger(__name__)


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

    async def run_due(self) -> bool:
        """Take the job that has been due longest and do it, or a slice of it; False if none is."""
        job = await self._claim()
        if job is None:
            return False
        if job.kind == "remove_flow":
            await self._remove_flow(job)
        else:
            await self._remove_object(job)
        return True

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

    async def _claim(self) -> ClaimedJob | None:
        async def work(tx: Transaction) -> ClaimedJob | None:
            now = self._clock()
            return await tx.jobs.claim(now, now + LEASE)

        return await self._catalogue.write(work)

    async def _remove_flow(self, job: ClaimedJob) -> None:
        """Remove one slice and queue for the next, so that a long Flow holds up nothing else."""

        async def work(tx: Transaction) -> None:
            now = self._clock()
            deleted = await tx.segments.remove_slice(job.subject)
            await tx.objects.condemn(deleted.objects, now + self._url_lifetime)
            if deleted.number == MAX_SEGMENTS:
                await tx.jobs.postpone(job, now)
            else:
                await tx.flows.forget(job.subject)
                await tx.jobs.finish(job)

        await self._catalogue.write(work)

    async def _remove_object(self, job: ClaimedJob) -> None:
        """Delete an Object's bytes, then forget it; until then its id stays taken."""

        async def read(tx: Transaction) -> tuple[Instance, ...]:
            doomed = await tx.objects.doomed(job.subject)
            return () if doomed is None else doomed.instances

        instances = await self._catalogue.read(read)
        try:
            for instance in instances:
                await self._delete_bytes(instance)
        except StorageFailed as failure:
            _log.warning("bytes not deleted yet", attempt=job.attempt, error=str(failure))
            await self._postpone(job)
        else:
            await self._forget_object(job)

    async def _delete_bytes(self, instance: Instance) -> None:
        storage_id, key = instance.storage_id, instance.key
        if storage_id is None or key is None:
            return
        if storage_id not in self._storages:
            raise StorageFailed(f"{key} lies in Storage Backend {storage_id}, which is not set up")
        await self._storages[storage_id].delete(key)

    async def _forget_object(self, job: ClaimedJob) -> None:
        async def work(tx: Transaction) -> None:
            await tx.objects.forget(job.subject)
            await tx.jobs.finish(job)

        await self._catalogue.write(work)

    async def _postpone(self, job: ClaimedJob) -> None:
        async def work(tx: Transaction) -> None:
            await tx.jobs.postpone(job, self._clock() + back_off(job.attempt))

        await self._catalogue.write(work)


def back_off(attempt: int) -> timedelta:
    """How long to wait after a failed attempt: 10 s, 20 s, 40 s … up to an hour."""
    return timedelta(seconds=min(5 * 2 ** min(attempt, 10), 3600))
