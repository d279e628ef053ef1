"""Takes what is due from the queue of jobs, and has it done by those who know how."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

import structlog

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.clock import Clock
from tams.domain.jobs import ClaimedJob, JobKind
from tams.errors import LeaseLost, StorageFailed

LEASE = timedelta(minutes=1)
"""How long a job belongs to the worker that claimed it; a handler takes far less, or keeps it."""

LONG_LEASE = timedelta(minutes=5)
"""How long at a time it belongs to a handler that keeps it."""

Handler = Callable[[ClaimedJob], Awaitable[None]]
"""Does a job, or a slice of it, and finishes or postpones it in the transaction of its change.

It may be called again for the same job, by another process too. A `StorageFailed` that it raises
leaves the job for later, a `LeaseLost` to the worker that has it.
"""

_log = structlog.get_logger(__name__)


class Queue:
    """Does one job after the other; any number of workers may, and any of them may die.

    It takes the kinds that have a handler, and leaves the others to other queues.
    """

    def __init__(
        self, catalogue: Catalogue, clock: Clock, handlers: Mapping[JobKind, Handler]
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._handlers = handlers

    async def run_due(self) -> bool:
        """Take the job that has been due longest and do it, or a slice of it; False if none is."""
        jobs = await claim(self._catalogue, self._clock, tuple(self._handlers))
        for job in jobs:
            try:
                await self._handlers[job.kind](job)
            except StorageFailed as failure:
                tell(job, failure)
                await self._postpone(job)
            except LeaseLost as loss:
                _log.warning("left to another", job=job.kind, attempt=job.attempt, error=str(loss))
        return bool(jobs)

    async def _postpone(self, job: ClaimedJob) -> None:
        async def work(tx: Transaction) -> None:
            await tx.jobs.postpone(job, self._clock() + back_off(job.attempt))

        await self._catalogue.write(work)


async def claim(
    catalogue: Catalogue, clock: Clock, kinds: Sequence[JobKind], limit: int = 1
) -> Sequence[ClaimedJob]:
    """Take the jobs of these kinds that have been due longest, for a `LEASE`."""

    async def work(tx: Transaction) -> Sequence[ClaimedJob]:
        now = clock()
        return await tx.jobs.claim(now, now + LEASE, kinds, limit)

    return await catalogue.write(work)


def tell(job: ClaimedJob, failure: StorageFailed) -> None:
    """Say that a job failed, and that it goes back to the queue."""
    _log.warning("to be tried again", job=job.kind, attempt=job.attempt, error=str(failure))


class Lease:
    """Keeps a claimed job for as long as its work goes on; it begins with the first `hold`."""

    def __init__(self, catalogue: Catalogue, clock: Clock, job: ClaimedJob) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._job = job
        self._renewal = clock()

    async def hold(self) -> None:
        """Renew the lease when a third of it is over; raises `LeaseLost` if it was lost."""
        if self._clock() >= self._renewal:
            await self._catalogue.write(self.renew)

    async def renew(self, tx: Transaction) -> None:
        """Renew it now, within a work that is to be done only by who holds it."""
        now = self._clock()
        if not await tx.jobs.renew(self._job, now + LONG_LEASE):
            raise LeaseLost("it took too long")
        self._renewal = now + LONG_LEASE / 3


def back_off(attempt: int) -> timedelta:
    """How long to wait after a failed attempt: 10 s, 20 s, 40 s … up to an hour."""
    return timedelta(seconds=min(5 * 2 ** min(attempt, 10), 3600))
