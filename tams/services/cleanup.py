"""What goes on behind the answers: the rows and bytes of what is gone, and old events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from tams.catalogue.base import Catalogue, Transaction
from tams.catalogue.promises.objects import DoomedObject
from tams.domain.clock import Clock
from tams.domain.jobs import ClaimedJob
from tams.errors import StorageFailed
from tams.services.queue import back_off, claim, tell
from tams.storage.base import Storage
from tams.storage.storages import in_use

AT_ONCE = 100
"""How many Objects are removed together: a request may have to wait for their transaction."""

_BEING_COPIED = "a copy is on its way, and its worker has not noticed yet"


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

    async def remove_objects(self) -> bool:
        """Delete the bytes of some condemned Objects, then forget them; False if none is due.

        Until then their ids stay taken. Those whose bytes cannot be deleted now are left for later.
        """
        jobs = await claim(self._catalogue, self._clock, ("remove_object",), AT_ONCE)
        if not jobs:
            return False
        failures = await self._delete_bytes(jobs)
        failed = [job for job in jobs if job.subject in failures]
        done = [job for job in jobs if job.subject not in failures]
        for job in failed:
            tell(job, failures[job.subject])

        async def settle(tx: Transaction) -> None:
            await tx.objects.forget([job.subject for job in done])
            await tx.jobs.finish(*done)
            for job in failed:
                await tx.jobs.postpone(job, self._clock() + back_off(job.attempt))

        await self._catalogue.write(settle)
        return True

    async def _delete_bytes(self, jobs: Sequence[ClaimedJob]) -> Mapping[int, StorageFailed]:
        """Delete the bytes of Objects; returns those of which some are left, and why."""

        async def read(tx: Transaction) -> Sequence[DoomedObject]:
            return await tx.objects.doomed([job.subject for job in jobs])

        failures: dict[int, StorageFailed] = {}
        owners: dict[str | None, dict[str, int]] = defaultdict(dict)
        for doomed in await self._catalogue.read(read):
            if doomed.is_being_copied:
                failures[doomed.key] = StorageFailed(_BEING_COPIED)
                continue
            for instance in doomed.instances:
                owners[instance.storage_id][instance.key or ""] = doomed.key
        for storage_id, owner in owners.items():
            failed = await self._delete_from(storage_id, list(owner))
            failures |= {owner[key]: failure for key, failure in failed.items()}
        return failures

    async def _delete_from(
        self, storage_id: str | None, keys: Sequence[str]
    ) -> Mapping[str, StorageFailed]:
        try:
            storage = in_use(self._storages, storage_id)
        except StorageFailed as failure:
            return dict.fromkeys(keys, failure)
        return await storage.delete_many(keys)
