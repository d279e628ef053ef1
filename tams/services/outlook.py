"""What clean-up will remove, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tams.catalogue.base import Catalogue, Transaction
from tams.catalogue.promises.inspection import Removal, Slice
from tams.domain.clock import Clock
from tams.domain.jobs import Job
from tams.domain.progress import Tell
from tams.services.questions import ask_each
from tams.services.slices import SLICE, Slices
from tams.storage.base import Storage

NOW = "now"
_LATER = (("within an hour", timedelta(hours=1)), ("within a day", timedelta(days=1)))
_MUCH_LATER = "later"
TERMS = (NOW, *(term for term, _ in _LATER), _MUCH_LATER)
"""By when something is due."""


@dataclass(slots=True)
class Due:
    """What is due by one term.

    `objects` lose their rows and bytes, `copies` their bytes alone; `flows` and `deletions` are
    removals of Segments, after which more Objects may follow.
    """

    objects: int = 0
    copies: int = 0
    flows: int = 0
    deletions: int = 0
    bytes: int = 0


class Outlook:
    """Looks through the queue, and at Objects that were allocated and not registered."""

    def __init__(
        self,
        catalogue: Catalogue,
        storages: Mapping[str, Storage],
        clock: Clock,
        *,
        tell: Tell = lambda _thing, _done: None,
        slice_size: int = SLICE,
    ) -> None:
        self._catalogue = catalogue
        self._storages = storages
        self._clock = clock
        self._slices = Slices(catalogue, slice_size, tell)

    async def look(self) -> Mapping[str, Due]:
        """What is due by each of `TERMS`; raises `StorageFailed` if a storage cannot be asked."""
        found = {term: Due() for term in TERMS}
        now = self._clock()
        async for part in self._slices.of("jobs"):
            jobs, removals = await self._of_jobs(part)
            for job in jobs:
                _count(found[_term(job.due - now)], job)
            await self._weigh(found, removals, now)
        async for part in self._slices.of("Objects"):
            expiring = await self._of_objects(part)
            for removal in expiring:
                found[_term(removal.due - now)].objects += 1
            await self._weigh(found, expiring, now)
        return found

    async def _of_jobs(self, part: Slice) -> tuple[Sequence[Job], Sequence[Removal]]:
        async def read(tx: Transaction) -> tuple[Sequence[Job], Sequence[Removal]]:
            return await tx.inspection.queued(part), await tx.inspection.removals(part)

        return await self._catalogue.read(read)

    async def _of_objects(self, part: Slice) -> Sequence[Removal]:
        async def read(tx: Transaction) -> Sequence[Removal]:
            return await tx.inspection.expiring(part)

        return await self._catalogue.read(read)

    async def _weigh(
        self, found: Mapping[str, Due], removals: Sequence[Removal], now: datetime
    ) -> None:
        for removal, size in zip(removals, await ask_each(self._size, removals), strict=True):
            found[_term(removal.due - now)].bytes += size

    async def _size(self, removal: Removal) -> int:
        storage = self._storages.get(removal.storage_id)
        stored = None if storage is None else await storage.head(removal.place)
        return 0 if stored is None else stored.size


def _count(due: Due, job: Job) -> None:
    match job.kind:
        case "remove_object":
            due.objects += 1
        case "remove_copy":
            due.copies += 1
        case "remove_flow":
            due.flows += 1
        case "delete_segments":
            due.deletions += 1
        case _:  # nothing goes by it
            return


def _term(time: timedelta) -> str:
    if time <= timedelta():
        return NOW
    return next((term for term, most in _LATER if time <= most), _MUCH_LATER)
