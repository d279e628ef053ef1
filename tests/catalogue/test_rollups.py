"""What rows of Flows count, held against a recount of the Segments and Objects themselves."""

from __future__ import annotations

import asyncio
from contextlib import closing
from itertools import count as numbers

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tams.catalogue.connect import catalogue as connect
from tams.catalogue.sql import trash
from tams.domain.analytics import AnalyticsQuery
from tams.domain.rollups import HOUR, MOST_DURATIONS
from tams.domain.segments import NewSegment
from tams.domain.timerange import LIMIT, SECOND, TimeRange
from tests.catalogue.building import (
    add_flows,
    allocate,
    make_flow,
    post,
    segment_at,
)
from tests.catalogue.counting import STEP, Store, counted, recounted
from tests.proof import count

WRITERS = 6
TAGS = numbers()
_SOMEONE_WAITS = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock')"


def try_every(catalogue_url, drawn, run, examples):
    """Have each of so many drawn examples run on a store of its own, in one catalogue."""
    with closing(asyncio.Runner()) as runner:
        catalogue = connect(catalogue_url, connections=WRITERS)
        runner.run(catalogue.open())

        @settings(
            max_examples=examples,
            suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        )
        @given(drawn)
        def every(steps):
            store = Store(catalogue, f"o{next(TAGS)}")

            async def on_a_store():
                await store.begin()
                await run(store, steps)
                await store.end()
                await store.do_clean()

            runner.run(on_a_store())

        try:
            every()
        finally:
            runner.run(catalogue.close())


def test_d017_rows_count_what_is_there_whatever_was_done(catalogue_url):
    async def run(store, steps):
        for step in steps:
            await store.do(*step)
            assert await counted(store.catalogue) == await recounted(store.catalogue), step

    drawn = st.lists(STEP, min_size=10, max_size=40)
    try_every(catalogue_url, drawn, run, count(40, proof=1000))


def test_rows_count_what_is_there_whatever_many_writers_did(catalogue_url):
    async def write(store, steps):
        for step in steps:
            await store.do(*step)

    async def run(store, writers):
        async with asyncio.TaskGroup() as group:
            for steps in writers:
                group.create_task(write(store, steps))
        assert await counted(store.catalogue) == await recounted(store.catalogue)

    drawn = st.lists(st.lists(STEP, min_size=5, max_size=10), min_size=WRITERS, max_size=WRITERS)
    try_every(catalogue_url, drawn, run, count(10, proof=300))


@pytest.fixture
async def flow(catalogue):
    flow = make_flow()
    await add_flows(catalogue, flow)
    return flow.id


async def test_a_row_counts_even_the_longest_segments(catalogue, flow):
    await allocate(catalogue, flow, "a", "b")
    await post(
        catalogue,
        flow,
        NewSegment(object_id="a", timerange=TimeRange(-LIMIT, 0)),
        NewSegment(object_id="b", timerange=TimeRange(0, LIMIT)),
    )
    found, _ = await counted(catalogue)
    assert found[flow][1].duration == 2 * LIMIT > 2**63
    assert await counted(catalogue) == await recounted(catalogue)


async def test_durations_beyond_some_are_asked_of_the_segments(catalogue, flow):
    names = [f"o{number}" for number in range(MOST_DURATIONS + 1)]
    await allocate(catalogue, flow, *names)
    posts = [
        NewSegment(object_id=name, timerange=TimeRange(at * SECOND, at * SECOND + 1 + at))
        for at, name in enumerate(names)
    ]
    await post(catalogue, flow, *posts)
    found, _ = await counted(catalogue)
    assert found[flow][1].durations is None
    assert await counted(catalogue) == await recounted(catalogue)


async def test_what_was_measured_before_counts_from_its_registration(catalogue, flow):
    await allocate(catalogue, flow, "a", "b")
    await catalogue.write(lambda tx: tx.objects.measure({"a": 7}))
    assert (await counted(catalogue))[1].objects == 0
    await post(catalogue, flow, segment_at("a", "[0:0_1:0)"), segment_at("b", "[1:0_2:0)"))
    weight = (await counted(catalogue))[1]
    assert (weight.objects, weight.measured, weight.bytes) == (2, 1, 7)


async def test_a_flow_that_was_never_counted_is_once(catalogue, flow):
    await allocate(catalogue, flow, "a", "b")
    await post(catalogue, flow, segment_at("a", "[0:0_1:0)"), segment_at("b", "[1:0_2:0)"))
    await catalogue.write(lambda tx: tx.objects.measure({"a": 7}))
    before = await counted(catalogue)
    [key] = [one.key for one in await catalogue.read(_flows)]
    await uncount(catalogue, key)
    [row] = await catalogue.read(_flows)
    assert (row.segments, row.weight) == (None, None)
    await allocate(catalogue, flow, "c")
    await post(catalogue, flow, segment_at("c", "[2:0_3:0)"))
    assert (await catalogue.read(_flows))[0].weight is None  # who adds to nothing counts nothing
    await catalogue.write(lambda tx: tx.analytics.count(key))
    assert await counted(catalogue) == await recounted(catalogue) != before
    assert await catalogue.read(lambda tx: tx.analytics.uncounted()) == []


async def _flows(tx):
    return await tx.analytics.flows(AnalyticsQuery(), 0, 10)


async def uncount(catalogue, key):
    """Forget what a Flow's row counts."""

    async def work(tx):
        from tams.catalogue.sql.mends import UNCOUNT

        await tx.inspection._connection.execute(UNCOUNT, {"pk": key})

    await catalogue.write(work)


async def test_segments_that_are_buried_are_not_counted_until_they_are_back(catalogue):
    store = Store(catalogue, "buried")
    await store.begin()
    await store.do_post(0, [(0, (0, SECOND)), (1, (HOUR, SECOND)), (2, (2 * HOUR, SECOND))])
    await store.do_measure(0, 5)
    before = await counted(catalogue)
    await store.do_bury(0, (0, SECOND))
    hidden = await counted(catalogue)
    assert hidden == await recounted(catalogue)
    assert hidden != before
    await store.do_revive(0)
    assert await counted(catalogue) == before == await recounted(catalogue)


async def test_what_is_measured_while_segments_come_back_is_counted(postgres_url, monkeypatch):
    """Whoever measures waits for the grave, once their numbers were read."""
    catalogue = connect(postgres_url, connections=WRITERS)
    await catalogue.open()
    store = Store(catalogue, "racing")
    await store.begin()
    await store.do_post(0, [(0, (0, SECOND))])
    await store.do_bury(0, (0, SECOND))
    admin = await asyncpg.connect(postgres_url)
    measuring = []

    async def find_lost(*known):
        found = await read_weights(*known)
        measuring.append(asyncio.create_task(store.do_measure(0, 2**20)))
        while not (measuring[0].done() or await admin.fetchval(_SOMEONE_WAITS)):
            pass
        return found

    read_weights = trash.find_lost
    monkeypatch.setattr(trash, "find_lost", find_lost)
    await store.do_revive(0)
    await measuring[0]
    assert await counted(catalogue) == await recounted(catalogue)
    await admin.close()
    await catalogue.close()
