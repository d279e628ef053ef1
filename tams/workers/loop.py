"""The loop that does what is due after the response."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from time import monotonic

import structlog

from tams.errors import TamsError

_log = structlog.get_logger(__name__)

Chore = Callable[[], Awaitable[bool]]
"""Does one piece of work, and returns whether there was any."""


REST = 3
"""How many times as long as a piece of unhurried work the rest after it is."""

LONGEST_REST = 0.05
"""Seconds that it takes at most, since a piece that took longer than some ms waited for a disk."""


def unhurried(
    chore: Chore, now: Callable[[], float], rest: Callable[[float], Awaitable[None]]
) -> Chore:
    """The same chore, with a rest after each piece, so that most requests meet none of it."""

    async def work_and_rest() -> bool:
        began = now()
        was_any = await chore()
        if was_any:
            await rest(min(REST * (now() - began), LONGEST_REST))
        return was_any

    return work_and_rest


class Worker:
    """Does chores until there are none, then looks again every `interval` seconds.

    `chores` come in turn; each of `long_chores` goes on beside them, so that it keeps none waiting,
    and so does each of `unhurried_chores`, with rests that end when the worker does.
    Work that was begun is finished before `stop` returns, or given up after `patience` seconds;
    what is left so, or by a killed process, is taken up by another when its lease ends.
    """

    def __init__(
        self,
        chores: Sequence[Chore],
        interval: float,
        *,
        long_chores: Sequence[Chore] = (),
        unhurried_chores: Sequence[Chore] = (),
        patience: float | None = None,
    ) -> None:
        resting = [unhurried(chore, monotonic, self._rest) for chore in unhurried_chores]
        self._lanes = [chores, *([chore] for chore in (*long_chores, *resting))]
        self._interval = interval
        self._patience = patience
        self._stopped = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._tasks = [asyncio.create_task(self._run(lane), name="worker") for lane in self._lanes]

    async def stop(self) -> None:
        """Finish the chores under way, or give them up, and end."""
        self._stopped.set()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=self._patience)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def work_off(self) -> None:
        """Do all that is due now; raises what a chore raises."""
        while any([await chore() for lane in self._lanes for chore in lane]):
            continue

    async def _run(self, chores: Sequence[Chore]) -> None:
        while not self._stopped.is_set():
            if any([await self._attempt(chore) for chore in chores]):
                continue
            await self._rest(self._interval)

    async def _rest(self, seconds: float) -> None:
        """Wait for so long, or until the end."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)

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
