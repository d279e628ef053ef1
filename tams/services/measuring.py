"""How many bytes Objects have: asked of the Storage Backends, behind their registration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from tams.catalogue.base import Catalogue, Transaction
from tams.catalogue.promises.measuring import Unmeasured
from tams.domain.clock import Clock
from tams.domain.events import PublishedEvent
from tams.domain.jobs import ClaimedJob, Job
from tams.errors import StorageFailed
from tams.services.questions import ask_each
from tams.services.queue import back_off, claim
from tams.storage.base import Storage
from tams.storage.storages import in_use

LEASE = timedelta(minutes=1)
EVENTS = 20
"""How many events are read at a time, each of a hundred Segments at most."""
ATTEMPTS = 10
"""How often an Object is asked for, in an hour and a half, before it stays unmeasured."""


class Measuring:
    """Follows the log of events to the Objects that are registered, `at_once` of them a look.

    Where it stands is in the catalogue, so nothing is passed over when a process dies; what has no
    bytes yet, or whose Storage Backend is away, waits in the queue of jobs, longer each time.
    """

    def __init__(
        self, catalogue: Catalogue, storages: Mapping[str, Storage], clock: Clock, *, at_once: int
    ) -> None:
        self._catalogue = catalogue
        self._storages = storages
        self._clock = clock
        self._at_once = at_once

    async def look(self) -> bool:
        """Measure some; always False, so that storages are asked no more than so much a look."""
        if self._at_once:
            await self._try_again()
            await self._follow()
        return False

    async def _follow(self) -> None:
        """Measure what the next events name."""

        async def begin(tx: Transaction) -> tuple[int, Sequence[PublishedEvent]] | None:
            now = self._clock()
            number = await tx.measuring.claim(now, now + LEASE)
            if number is None:
                return None
            # If all have expired, there is nothing to look at up to the end.
            return await tx.events.end(), await tx.events.after(number, EVENTS)

        begun = await self._catalogue.write(begin)
        if begun is None:
            return
        upto, ids = self._named(*begun)
        left = await self._catalogue.read(lambda tx: tx.measuring.by_id(ids))
        sizes = await self._sizes(left)

        async def settle(tx: Transaction) -> None:
            await tx.objects.measure(sizes)
            due = self._clock() + back_off(1)
            for one in left:
                if one.id not in sizes:
                    await tx.jobs.add(Job(kind="measure_object", subject=one.key, due=due))
            await tx.measuring.advance(upto)

        await self._catalogue.write(settle)

    def _named(self, end: int, events: Sequence[PublishedEvent]) -> tuple[int, set[str]]:
        """Up to which event all Objects are in the set, which is about as large as is wanted."""
        ids: set[str] = set()
        for event in events:
            for segment in event.event.segments:
                ids.add(segment.object_id)
                if segment.init_object is not None:
                    ids.add(segment.init_object.object_id)
            if len(ids) >= self._at_once:
                return event.number, ids
        return (events[-1].number if events else end), ids

    async def _try_again(self) -> None:
        jobs = await claim(self._catalogue, self._clock, ("measure_object",), self._at_once)
        if not jobs:
            return
        keys = [job.subject for job in jobs]
        left = await self._catalogue.read(lambda tx: tx.measuring.by_key(keys))
        sizes = await self._sizes(left)
        missing = {one.key for one in left if one.id not in sizes}

        async def settle(tx: Transaction) -> None:
            await tx.objects.measure(sizes)
            await tx.jobs.finish(*(job for job in jobs if not _again(job, missing)))
            for job in jobs:
                if _again(job, missing):
                    await tx.jobs.postpone(job, self._clock() + back_off(job.attempt + 1))

        await self._catalogue.write(settle)

    async def _sizes(self, objects: Sequence[Unmeasured]) -> Mapping[str, int]:
        found = zip(objects, await ask_each(self._size, objects), strict=True)
        return {one.id: size for one, size in found if size is not None}

    async def _size(self, one: Unmeasured) -> int | None:
        try:
            stored = await in_use(self._storages, one.storage_id).head(one.place)
        except StorageFailed:
            return None
        return None if stored is None else stored.size


def _again(job: ClaimedJob, missing: set[int]) -> bool:
    return job.subject in missing and job.attempt < ATTEMPTS
