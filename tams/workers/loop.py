"""The loop that does what is due after the response."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from tams.errors import TamsError

_log = structlog.get_logger(__name__)

Chore = Callable[[], Awaitable[bool]]
"""Does one piece of work, and returns whether there was any."""


class Worker:
    """Does chores until there are none, then looks again every `interval` seconds.

    Work that was begun is finished before `stop` returns; what a killed process leaves is taken
    up by another when its lease ends.
    """

    def __init__(self, chores: Sequence[Chore], interval: float) -> None:
        self._chores = chores
        self._interval = interval
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._task = asyncio.create_task(self._run(), name="worker")

    async def stop(self) -> None:
        """Finish the chore under way, and end."""
        self._stopped.set()
        if self._task is not None:
            await self._task

    async def work_off(self) -> None:
        """Do all that is due now; raises what a chore raises."""
        while any([await chore() for chore in self._chores]):
            continue

    async def _run(self) -> None:
        while not self._stopped.is_set():
            if any([await self._attempt(chore) for chore in self._chores]):
                continue
            try:
                await asyncio.wait_for(self._stopped.wait(), self._interval)
            except TimeoutError:
                continue

    async def _attempt(self, chore: Chore) -> bool:
        if self._stopped.is_set():
            return False
        try:
            return await chore()
        except (TamsError, OSError) as error:
            _log.warning("background work failed; it will be tried again", error=str(error))
        except Exception:  # noqa: BLE001 - else a fault in one chore would end all of them for good
            _log.exception("background work met a fault; it will be tried again")
        return False
