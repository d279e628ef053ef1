"""Init Objects that one work condemns while another uses them: never do both win."""

from __future__ import annotations

import asyncio
from itertools import permutations

import asyncpg
import pytest

from tams.catalogue.sql.postgres import PostgresCatalogue
from tams.domain.registration import decide
from tams.domain.segments import SegmentQuery
from tams.domain.timerange import ETERNITY
from tests.catalogue.building import (
    NOON,
    add_flows,
    allocate,
    at,
    get_object,
    post,
    remove_flow,
    segment_at,
)
from tests.catalogue.test_init_objects import fragmented, needing


@pytest.fixture
async def admin(postgres_url):
    admin = await asyncpg.connect(postgres_url)
    yield admin
    await admin.close()


@pytest.fixture
async def postgres(postgres_url):
    catalogue = PostgresCatalogue(postgres_url, connections=4)
    await catalogue.open()
    yield catalogue
    await catalogue.close()


@pytest.fixture
async def flows(postgres):
    """Two Flows; the first has a Segment of Object `a`, which needs the init Object `i`."""
    flows = [fragmented(), fragmented()]
    await add_flows(postgres, *flows)
    await allocate(postgres, flows[0].id, "i", "a")
    await allocate(postgres, flows[1].id, "b")
    await post(postgres, flows[0].id, needing("i", "a", "[0:0_1:0)"))
    return [flow.id for flow in flows]


class Held:
    """A work that runs up to its last write, and goes on when it is let."""

    def __init__(self, catalogue):
        self.catalogue = catalogue
        self.reached, self.let = asyncio.Event(), asyncio.Event()

    async def begin(self, work):
        """Run it until it calls what it is given."""

        async def pause():
            self.reached.set()
            await self.let.wait()

        self.task = asyncio.create_task(self.catalogue.write(lambda tx: work(tx, pause)))
        await self.reached.wait()

    async def end(self):
        self.let.set()
        return await self.task


def registration(flow_id, *posts):
    async def work(tx, pause):
        flow = await tx.flows.lock(flow_id)
        decision = decide(flow, posts, await tx.segments.survey(flow, posts), frozenset())
        await pause()
        await tx.segments.add(flow, decision.accepted, NOON)
        return [refused.reason for refused in decision.refused]

    return work


def removal(flow_id):
    async def work(tx, pause):
        flow = await tx.flows.lock(flow_id)
        deleted = await tx.segments.delete(flow, SegmentQuery(ETERNITY), NOON)
        gone = await tx.objects.condemn(deleted.objects, NOON)
        await pause()
        return len(gone)

    return work


async def no_pause():
    """Go on at once."""


async def beside(catalogue, admin, held, work):
    """Begin a work that `held` may hold up, let both end; gives what each of them gave."""

    task = asyncio.create_task(catalogue.write(lambda tx: work(tx, no_pause)))
    while not (task.done() or await someone_waits(admin)):
        pass
    return await held.end(), await task


async def someone_waits(admin):
    return await admin.fetchval(
        "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock')"
    )


async def is_condemned(admin, object_id):
    return await admin.fetchval(
        "SELECT removable_at IS NOT NULL FROM object WHERE id = $1", object_id
    )


RE_USE = {
    "named": needing("i", "b", "[0:0_1:0)"),
    "inherited": segment_at("a", "[0:0_1:0)"),
}


@pytest.mark.parametrize(("way", "condemned"), [("named", 1), ("inherited", 0)])
async def test_a_registration_keeps_an_init_object(postgres, admin, flows, way, condemned):
    first, other = flows
    held = Held(postgres)
    await held.begin(registration(other, RE_USE[way]))
    assert await beside(postgres, admin, held, removal(first)) == ([], condemned)
    assert await get_object(postgres, "i") is not None
    assert not await is_condemned(admin, "i")


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("named", "init_object_id: there is no Object i; allocate it first"),
        ("inherited", "object_id: there is no Object a; allocate it first"),
    ],
)
async def test_a_registration_that_comes_late_is_refused(postgres, admin, flows, way, reason):
    first, other = flows
    held = Held(postgres)
    await held.begin(removal(first))
    result = await beside(postgres, admin, held, registration(other, RE_USE[way]))
    assert result == (2, [reason])
    assert await is_condemned(admin, "i")


async def test_of_two_that_take_the_last_media_one_takes_the_init_object(postgres, admin, flows):
    """Without the lock on it, each would see the other's Media Object and leave it there."""
    first, other = flows
    await post(postgres, other, RE_USE["named"])
    held = Held(postgres)
    await held.begin(removal(first))
    assert await beside(postgres, admin, held, removal(other)) == (1, 2)
    assert await is_condemned(admin, "i")


async def test_media_of_a_removed_flow_hold_it_until_they_are_condemned(postgres, admin, flows):
    """Else a registration that re-uses such media, begun before, would come without its init."""
    first, removed = flows
    await post(postgres, removed, RE_USE["named"])
    last = fragmented()
    await add_flows(postgres, last)
    held = Held(postgres)
    await held.begin(registration(last.id, segment_at("b", "[0:0_1:0)")))
    key = await remove_flow(postgres, removed)
    assert await postgres.write(lambda tx: removal(first)(tx, no_pause)) == 1
    assert await held.end() == []
    slice_ = await postgres.write(lambda tx: tx.segments.remove_slice(key))
    assert await postgres.write(lambda tx: tx.objects.condemn(slice_.objects, NOON)) == []
    assert (await get_object(postgres, "b")).init_object.object_id == "i"
    assert await get_object(postgres, "i") is not None
    assert not await is_condemned(admin, "i")


@pytest.mark.parametrize("order", list(permutations("rni")), ids="".join)
async def test_in_any_order_what_is_registered_is_whole(catalogue, order):
    """At once: a removal of the last reference, a new Object with its init, and a re-use."""
    flows = [fragmented() for _ in range(3)]
    await add_flows(catalogue, *flows)
    first, named, inherited = [flow.id for flow in flows]
    await allocate(catalogue, first, "i", "a")
    await allocate(catalogue, named, "b")
    await post(catalogue, first, needing("i", "a", "[0:0_1:0)"))
    works = {
        "r": removal(first),
        "n": registration(named, RE_USE["named"]),
        "i": registration(inherited, RE_USE["inherited"]),
    }

    async def run(letter):
        return await catalogue.write(lambda tx: works[letter](tx, no_pause))

    results = dict(zip(order, await asyncio.gather(*map(run, order)), strict=True))
    known = {name for name in "iab" if await get_object(catalogue, name) is not None}
    assert known == {
        *("ib" if not results["n"] else ""),
        *("ia" if not results["i"] else ""),
    }
    for flow_id in (named, inherited):
        await catalogue.write(lambda tx, flow_id=flow_id: removal(flow_id)(tx, no_pause))
    assert [await get_object(catalogue, name) for name in "iab"] == [None] * 3
    doomed = set()
    while jobs := await catalogue.write(lambda tx: tx.jobs.claim(at(100), at(10_000))):
        doomed |= {job.subject for job in jobs}
    assert len(doomed) == (2 if results["n"] else 3)
