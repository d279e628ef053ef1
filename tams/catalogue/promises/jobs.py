"""The queue of what goes on after the response, as a catalogue keeps it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime

from tams.domain.jobs import ClaimedJob, Job


class Jobs(ABC):
    """The queue of what goes on after the response: at least once, so handlers are idempotent."""

    @abstractmethod
    async def add(self, job: Job) -> None:
        """Queue a job; it is there if and only if the work's change is."""

    @abstractmethod
    async def claim(self, now: datetime, lease_until: datetime) -> ClaimedJob | None:
        """Take the job that has been due longest and that nobody holds."""

    @abstractmethod
    async def finish(self, job: ClaimedJob) -> None:
        """Remove a job that is done."""

    @abstractmethod
    async def postpone(self, job: ClaimedJob, due: datetime) -> None:
        """Give a job back, to be claimed at `due`."""
