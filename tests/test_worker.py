"""The worker's loop: all that is due, then rest; a failure is not the end."""

from __future__ import annotations

import asyncio

import pytest

from tams.errors import StorageFailed
from tams.workers.loop import LONGEST_REST, REST, Worker, unhurried


async def test_works_off_until_nothing_is_due():
    left = [3, 1]
    done = []

    def chore(number):
        async def work():
            if not left[number]:
                return False
            left[number] -= 1
            done.append(number)
            return True

        return work

    await Worker([chore(0), chore(1)], 60).work_off()
    assert left == [0, 0]
    assert done == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("took", "was_any", "rests"),
    [
        (0.01, True, [pytest.approx(REST * 0.01)]),
        (2.5, True, [LONGEST_REST]),
        (0.01, False, []),
    ],
    ids=["longer than it worked", "a disk that let it wait", "nothing was due"],
)
async def test_an_unhurried_chore_rests(took, was_any, rests):
    times, taken = iter([10.0, 10.0 + took]), []

    async def chore():
        return was_any

    async def rest(seconds):
        taken.append(seconds)

    assert await unhurried(chore, lambda: next(times), rest)() is was_any
    assert taken == rests


@pytest.mark.parametrize(
    "failure", [StorageFailed("the disk is away"), KeyError("a fault of ours")]
)
async def test_goes_on_after_a_failure_and_so_do_the_other_chores(failure):
    again, others = asyncio.Event(), []
    calls = []

    async def work():
        calls.append(None)
        if len(calls) == 1:
            raise failure
        again.set()
        return False

    async def other():
        others.append(len(calls))
        return False

    worker = Worker([work, other], 0.001)
    worker.start()
    await asyncio.wait_for(again.wait(), 5)
    await worker.stop()
    assert others[0] == 1


async def test_a_long_chore_keeps_no_other_waiting_and_is_given_up_at_the_end():
    begun, again = asyncio.Event(), asyncio.Event()
    done, given_up = [], []

    async def long():
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            given_up.append(None)
            raise
        return True

    async def short():
        await begun.wait()
        done.append(None)
        if len(done) == 3:
            again.set()
        return False

    worker = Worker([short], 0.001, long_chores=[long], patience=0.01)
    worker.start()
    await asyncio.wait_for(again.wait(), 5)
    await asyncio.wait_for(worker.stop(), 5)
    assert given_up == [None]


async def test_all_that_is_due_takes_in_the_long_chores():
    left = [2]

    async def long():
        left[0] -= 1
        return left[0] > 0

    await Worker([], 60, long_chores=[long]).work_off()
    assert left == [0]


async def test_stop_lets_the_chore_under_way_finish():
    begun, go_on = asyncio.Event(), asyncio.Event()
    finished = []

    async def work():
        begun.set()
        await go_on.wait()
        finished.append(None)
        return True

    worker = Worker([work], 60)
    worker.start()
    await begun.wait()
    stopping = asyncio.create_task(worker.stop())
    await asyncio.sleep(0)
    go_on.set()
    await stopping
    assert finished == [None]


async def test_stop_ends_a_rest():
    times, resting = iter([0.0, 3600.0]), asyncio.Event()
    worker = Worker([], 60, patience=60)

    async def chore():
        return True

    async def rest(seconds):
        resting.set()
        await worker._rest(3600 * seconds)

    taking = asyncio.create_task(unhurried(chore, lambda: next(times), rest)())
    await resting.wait()
    await worker.stop()
    assert await asyncio.wait_for(taking, 5)


async def test_unhurried_chores_go_on_beside_the_others_and_end_with_them():
    begun = [asyncio.Event(), asyncio.Event()]

    async def first():
        begun[0].set()
        return True

    async def second():
        begun[1].set()
        return True

    worker = Worker([], 60, unhurried_chores=[first, second])
    worker.start()
    await asyncio.wait_for(asyncio.gather(*(each.wait() for each in begun)), 5)
    await asyncio.wait_for(worker.stop(), 5)
