"""How works are run: all or nothing, again if need be, and never behind their caller's back.

Where a test takes `catalogue_url`, a database in memory has nothing to show: it has one connection,
on which reads and writes take turns, and is gone when it is closed.
"""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from tams.catalogue.connect import catalogue as connect
from tams.domain.service import ServiceDescription
from tams.errors import Busy
from tests.catalogue.building import add_flows, get_flow, make_flow, register, segment_at


def name(text):
    """A work that names the service."""
    return lambda tx: tx.service.replace(ServiceDescription(text))


async def name_of(catalogue):
    return (await catalogue.read(lambda tx: tx.service.get())).name


async def test_a_work_gives_what_it_returns_and_sees_its_own_writes(catalogue):
    async def work(tx):
        await tx.service.replace(ServiceDescription("mine"))
        return (await tx.service.get()).name

    assert await catalogue.write(work) == "mine"
    assert await name_of(catalogue) == "mine"


async def test_a_work_that_raises_leaves_nothing(catalogue):
    await catalogue.write(name("before"))

    async def work(tx):
        await tx.service.replace(ServiceDescription("after"))
        raise LookupError("refused")

    with pytest.raises(LookupError, match="refused"):
        await catalogue.write(work)
    assert await name_of(catalogue) == "before"
    await catalogue.write(name("later"))
    assert await name_of(catalogue) == "later"


async def test_of_many_works_at_once_the_failing_ones_alone_leave_nothing(catalogue):
    flows = [make_flow() for _ in range(30)]

    async def store(number, flow):
        async def work(tx):
            await tx.flows.add(flow)
            if number % 3 == 0:
                raise LookupError(number)

        await catalogue.write(work)

    outcomes = await asyncio.gather(
        *(store(number, flow) for number, flow in enumerate(flows)), return_exceptions=True
    )
    for number, (outcome, flow) in enumerate(zip(outcomes, flows, strict=True)):
        stored = await get_flow(catalogue, flow.id)
        if number % 3 == 0:
            assert isinstance(outcome, LookupError)
            assert stored is None
        else:
            assert outcome is None
            assert stored == flow


async def test_a_read_sees_what_was_acknowledged_before_it_began(catalogue):
    for number in range(50):
        await catalogue.write(name(str(number)))
        assert await name_of(catalogue) == str(number)


async def test_two_statements_of_a_read_see_the_same_moment(catalogue_url):
    catalogue, other = connect(catalogue_url), connect(catalogue_url)
    await catalogue.open()
    await other.open()
    await catalogue.write(name("before"))
    began, changed = asyncio.Event(), asyncio.Event()

    async def change():
        await began.wait()
        await other.write(name("after"))
        changed.set()

    async def work(tx):
        first = await tx.service.get()
        began.set()
        if "postgresql" in catalogue_url:
            await changed.wait()
        return first, await tx.service.get()

    changed.set()
    await catalogue.read(work)  # PostgreSQL first has to learn that this is more than a statement
    began.clear()
    changed.clear()
    first, second = (await asyncio.gather(catalogue.read(work), change()))[0]
    assert first == second == ServiceDescription("before")
    assert await name_of(catalogue) == "after"
    await catalogue.close()
    await other.close()


async def test_a_work_runs_in_the_context_of_its_caller(catalogue):
    request = ContextVar("request", default="none")
    request.set("mine")

    async def work(tx):
        await tx.service.get()
        return request.get()

    assert await catalogue.write(work) == "mine"
    assert await catalogue.read(work) == "mine"


async def test_a_full_queue_is_busy_and_changes_nothing(url):
    catalogue = connect(url, connections=1, queue_limit=3)
    await catalogue.open()
    flows = [make_flow() for _ in range(40)]
    outcomes = await asyncio.gather(
        *(catalogue.write(lambda tx, flow=flow: tx.flows.add(flow)) for flow in flows),
        return_exceptions=True,
    )
    refused = [isinstance(outcome, Busy) for outcome in outcomes]
    assert any(refused)
    assert not all(refused)
    for flow, was_refused in zip(flows, refused, strict=True):
        assert (await get_flow(catalogue, flow.id) is None) is was_refused
    await catalogue.close()


async def test_a_cancelled_work_runs_to_its_end_or_not_at_all(catalogue_url):
    catalogue = connect(catalogue_url, connections=1)
    await catalogue.open()
    flows = [make_flow() for _ in range(20)]
    begun, numbers = threading.Event(), []

    async def store(number, flow):
        async def work(tx):
            numbers.append(number)
            begun.set()
            await tx.flows.add(flow)
            await tx.sources.has_flows(flow.source_id)

        await catalogue.write(work)

    tasks = [asyncio.create_task(store(number, flow)) for number, flow in enumerate(flows)]
    await asyncio.to_thread(begun.wait, 10)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await catalogue.close()  # finishes what has begun
    await catalogue.open()
    stored = [await get_flow(catalogue, flow.id) is not None for flow in flows]
    assert stored == [number in numbers for number in range(20)]
    assert stored[0]
    await catalogue.close()


async def test_close_finishes_what_has_begun(catalogue_url):
    catalogue = connect(catalogue_url)
    await catalogue.open()
    flow = make_flow()
    task = asyncio.create_task(catalogue.write(lambda tx: tx.flows.add(flow)))
    await asyncio.sleep(0)
    await asyncio.gather(catalogue.close(), task)
    await catalogue.open()
    assert await get_flow(catalogue, flow.id) == flow
    await catalogue.close()


async def test_a_work_that_takes_too_long_is_given_up(url):
    catalogue = connect(url, time_limit=0.0)
    await catalogue.open()
    flow = make_flow()

    async def work(tx):
        await tx.flows.add(flow)
        locked = await tx.flows.lock(flow.id)
        posts = [segment_at("x", f"[{n}:0_{n + 1}:0)") for n in range(1000)]
        while True:
            await tx.segments.survey(locked, posts)

    with pytest.raises(Busy, match="longer"):
        await catalogue.write(work)
    await catalogue.close()


async def test_a_read_changes_nothing(catalogue_url):
    catalogue = connect(catalogue_url)
    await catalogue.open()
    with pytest.raises(Exception, match=r"(?i)read-?only"):
        await catalogue.read(name("changed"))
    assert await name_of(catalogue) is None
    await catalogue.close()


async def test_it_answers(catalogue):
    await catalogue.ping()
    await add_flows(catalogue, flow := make_flow())
    await register(catalogue, flow.id, "[0:0_1:0)")
    await catalogue.ping()
