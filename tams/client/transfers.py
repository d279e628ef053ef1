"""Many Objects at once: how many, and how far they are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from threading import Event
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 4
"""Objects that move at the same time."""

Watch = Callable[[str, int, int], None]
"""Told what goes on, how much of it is done, and of about how much."""


class Tally:
    """The sum of what each Object reports of itself, in bytes; `tell` hears each change."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell
        self._moved = 0

    def add(self, size: int) -> None:
        """Count bytes that need not move."""
        self._moved += size
        self._tell(self._moved)

    def part(self) -> Callable[[int], None]:
        """Return the progress of one more Object, told in bytes since its beginning."""
        before = 0

        def moved(now: int) -> None:
            nonlocal before
            self.add(now - before)
            before = now

        return moved


async def all_of(works: Iterable[Callable[[], Awaitable[T]]], at_once: int = AT_ONCE) -> list[T]:
    """Return what each gives, in order; the first failure ends the others and is raised."""
    room = asyncio.Semaphore(at_once)

    async def admitted(work: Callable[[], Awaitable[T]]) -> T:
        async with room:
            return await work()

    tasks = [asyncio.ensure_future(admitted(work)) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def in_thread(work: Callable[[], T], stop: Event | None = None) -> T:
    """Run `work` in a thread; a cancelled caller leaves only when the thread has ended.

    So nothing that the thread uses is closed or deleted under its hands. `stop` is set to tell it
    that nobody waits for its result.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        if stop is not None:
            stop.set()
        while not running.done():
            with suppress(asyncio.CancelledError):  # whoever cancels again has to wait as well
                await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # nobody asks for it any more
        raise
