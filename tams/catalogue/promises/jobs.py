"""The queue of what goes on after the response, as a catalogue keeps it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from tams.domain.jobs import JOB_KINDS, ClaimedJob, Job, JobKind


class Jobs(ABC):
    """The queue of what goes on after the response: at least once, so handlers are idempotent."""

    @abstractmethod
    async def add(self, job: Job) -> None:
        """Queue a job; it is there if and only if the work's change is."""

    @abstractmethod
    async def claim(
        self,
        now: datetime,
        lease_until: datetime,
        kinds: Sequence[JobKind] = JOB_KINDS,
        limit: int = 1,
    ) -> Sequence[ClaimedJob]:
        """Take the jobs of these kinds that have been due longest and that nobody holds."""

    @abstractmethod
    async def renew(self, job: ClaimedJob, lease_until: datetime) -> bool:
        """Hold a job for longer; False if its lease ran out and another took it, or it is done."""

    @abstractmethod
    async def finish(self, *jobs: ClaimedJob) -> None:
        """Remove jobs that are done."""

    @abstractmethod
    async def postpone(self, job: ClaimedJob, due: datetime) -> None:
        """Give a job back, to be claimed at `due`."""
