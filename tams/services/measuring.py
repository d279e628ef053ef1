"""How many bytes Objects have: asked of the Storage Backends, behind their registration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial

from tams.catalogue.base import Catalogue, Transaction
from tams.catalogue.promises.measuring import Unmeasured
from tams.domain.clock import Clock
from tams.domain.events import Event
from tams.domain.jobs import ClaimedJob, Job
from tams.errors import StorageFailed
from tams.services.questions import ask_each
from tams.services.queue import back_off, claim
from tams.storage.base import Storage
from tams.storage.storages import in_use

LEASE = timedelta(minutes=1)
EVENTS = 20
"""How many events are read at a time, each of a hundred Segments at most."""
PAGES = 10
"""How often, in one look."""
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

        now = self._clock()
        begun = await self._catalogue.write(lambda tx: tx.measuring.claim(now, now + LEASE))
        if begun is None:
            return
        upto, ids = await self._catalogue.read(partial(self._named, number=begun))
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

    async def _named(self, tx: Transaction, number: int) -> tuple[int, set[str]]:
        """About as many Objects as are wanted, and the event up to which they are all."""
        ids: set[str] = set()
        end = await tx.events.end()  # first: what is numbered meanwhile is for the next look
        for _ in range(PAGES):
            events = await tx.events.after(number, EVENTS)
            for event in events:
                ids.update(_objects(event.event))
                number = event.number
                if len(ids) >= self._at_once:
                    return number, ids
            if not events:
                return max(number, end), ids
        return number, ids

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


def _objects(event: Event) -> Iterator[str]:
    for segment in event.segments:
        yield segment.object_id
        if segment.init_object is not None:
            yield segment.init_object.object_id


def _again(job: ClaimedJob, missing: set[int]) -> bool:
    return job.subject in missing and job.attempt < ATTEMPTS
