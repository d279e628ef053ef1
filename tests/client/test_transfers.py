"""Many works at once."""

from __future__ import annotations

import asyncio
import gc
import threading
from functools import partial

import pytest

from tams.client.transfers import Tally, all_of, in_thread


async def test_results_keep_their_order_and_few_run_at_once():
    running = most = 0

    async def work(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(10 - number):
            await asyncio.sleep(0)
        running -= 1
        return number

    assert await all_of([partial(work, n) for n in range(10)], at_once=3) == list(range(10))
    assert most == 3


async def test_the_first_failure_ends_the_others():
    begun: list[int] = []
    ended: list[int] = []

    async def endless() -> None:
        begun.append(1)
        try:
            await asyncio.Future()
        finally:
            ended.append(1)

    async def failing() -> None:
        await asyncio.sleep(0)
        raise LookupError

    with pytest.raises(LookupError):
        await all_of([endless, failing, endless], at_once=2)
    assert ended == begun != []


def test_a_repeated_part_is_counted_once():
    told: list[int] = []
    tally = Tally(told.append)
    tally.add(5)
    moved = tally.part()
    for now in (0, 3, 0, 10):
        moved(now)
    assert told == [5, 5, 8, 5, 15]


async def test_a_cancelled_caller_tells_its_thread_and_waits_for_it():
    begun, stop, ended = threading.Event(), threading.Event(), []

    def work() -> None:
        begun.set()
        ended.append(stop.wait(10))

    caller = asyncio.ensure_future(in_thread(work, stop))
    await asyncio.to_thread(begun.wait, 10)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended == [True]


async def test_a_caller_cancelled_twice_waits_too_and_nobody_misses_the_failure() -> None:
    going_on, begun, reported = threading.Event(), threading.Event(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: reported.append(told))

    def work() -> None:
        begun.set()
        going_on.wait(10)
        raise FileNotFoundError

    caller = asyncio.ensure_future(in_thread(work))
    await asyncio.to_thread(begun.wait, 10)
    for _ in range(2):
        caller.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert not caller.done()
    going_on.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    del caller
    gc.collect()
    assert not reported
