"""Handing out events: once read, once built, and nobody waits for anybody."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from random import Random

import pytest

from tams.catalogue.heard import HeardCatalogue
from tams.domain.event_filters import StreamFilter
from tams.domain.events import WHOLE, Event, Place
from tams.errors import Busy
from tams.services.event_log import EventLog
from tams.services.event_stream import EventStream, Times
from tams.services.subscribers import MOST_WAITING

EVERYTHING = StreamFilter(events=("flows/updated", "flows/segments_added", "objects/created"))
LATER = Times(interval=3600.0, heartbeat=3600.0, lifetime=3600.0)
DEADLINE_S = 60


class Watched(HeardCatalogue):
    """Counts the works that read, and fails as a test asks."""

    reads = 0
    failing = 0

    async def read(self, work):
        self.reads += 1
        if self.failing:
            self.failing -= 1
            raise OSError("the catalogue is away")
        return await super().read(work)


class Following:
    """A stream over a catalogue, and one Flow to which something happens."""

    def __init__(self, house, catalogue, flow_id):
        self.house = house
        self.catalogue = catalogue
        self.flow_id = flow_id
        self.log = EventLog(catalogue, house.storages.signer)
        self.stream = EventStream(catalogue, self.log, catalogue.listeners, LATER)
        self.built = 0

    def print(self, one, wanted, signer):
        self.built += 1
        return one.id.encode()

    def subscribed(self, place=None, wanted=EVERYTHING, base="http://a"):
        return self.stream.subscribed(wanted, base, self.print, place or Place(0, WHOLE))

    async def change(self, number=1):
        async def work(tx):
            flow = await tx.flows.lock(self.flow_id)
            for _ in range(number):
                event = Event(type="flows/updated", entity_id=flow.id, source_id=flow.source_id)
                await tx.events.append(event)

        await self.catalogue.write(work)


@pytest.fixture
async def following(house):
    made = Following(house, Watched(house.catalogue), await house.flow())
    yield made
    await made.stream.close()


async def numbers(subscriber, until):
    """The numbers of what it is told, up to one."""
    found = []
    async with asyncio.timeout(DEADLINE_S):
        while not found or found[-1] < until:
            bodies = await subscriber.next()
            assert bodies is not None
            found += [Place.parse(body.decode()).number for body in bodies]
    return found


async def until(condition):
    """Let the others go on until a condition holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - what brings it about tells nobody
            await asyncio.sleep(0)


async def joined(*subscribers):
    """Wait until they are up to date."""
    await until(lambda: all(one in one._group.members for one in subscribers))


async def test_a_body_is_built_once_for_all_who_ask_alike(following):
    """Whatever their filters; but for each base of URLs and each set of options."""
    beside = StreamFilter(events=("flows/updated",), flow_ids=(following.flow_id,))
    plain = StreamFilter(events=("flows/updated",), accept_get_urls=())
    with ExitStack() as stack:
        subscribers = [
            stack.enter_context(following.subscribed(wanted=wanted, base=base))
            for wanted, base in (
                *[(EVERYTHING, "http://a")] * 20,
                *[(beside, "http://a")] * 20,
                *[(EVERYTHING, "http://b")] * 20,
                *[(plain, "http://a")] * 20,
            )
        ]
        waiting = [asyncio.create_task(numbers(one, 10)) for one in subscribers]
        await joined(*subscribers)
        await following.change(10)
        assert await asyncio.gather(*waiting) == [list(range(1, 11))] * 80
    assert following.built == 10 * 3


async def test_the_log_is_read_once_for_all(following):
    reads = []
    for number in (1, 50):
        with ExitStack() as stack:
            place = await following.log.now()
            subscribers = [stack.enter_context(following.subscribed(place)) for _ in range(number)]
            waiting = [asyncio.create_task(numbers(one, place.number + 1)) for one in subscribers]
            await joined(*subscribers)
            before = following.catalogue.reads
            await following.change()
            await asyncio.gather(*waiting)
            reads.append(following.catalogue.reads - before)
    assert max(reads) <= 4


async def test_who_is_slow_holds_nobody_and_misses_nothing(following):
    most = 3 * MOST_WAITING
    with following.subscribed() as slow, following.subscribed() as quick:
        waiting = [asyncio.create_task(numbers(one, 1)) for one in (slow, quick)]
        await following.change()
        await asyncio.gather(*waiting)
        for _ in range(10):
            await following.change(most // 10)
        assert await numbers(quick, most + 1) == list(range(2, most + 2))
        assert len(slow._waiting) <= MOST_WAITING
        assert slow not in slow._group.members
        assert slow.place.number == 1
        following.built = 0
        assert await numbers(slow, most + 1) == list(range(2, most + 2))
        await following.change()
        both = await asyncio.gather(numbers(slow, most + 2), numbers(quick, most + 2))
        assert both == [[most + 2], [most + 2]]


async def test_whoever_comes_at_whatever_time_is_told_all_and_nothing_twice(following):
    chance = Random(5)
    most = 600
    await following.change(3)
    await following.log.now()

    async def write():
        left = most - 3
        while left:
            number = min(left, chance.randrange(1, 40))
            await following.change(number)
            left -= number
            for _ in range(chance.randrange(3)):
                await asyncio.sleep(0)

    async def come_and_go():
        """Read some, go, come back to where it was, at times in two parts of the log."""
        found, place = [], Place(chance.randrange(3), WHOLE)
        began = place.number
        while place.number < most:
            with following.subscribed(place) as subscriber:
                for _ in range(chance.randrange(1, 6)):
                    if place.number >= most:
                        break
                    bodies = await subscriber.next()
                    found += [Place.parse(body.decode()).number for body in bodies]
                    place = subscriber.place
        assert found == list(range(began + 1, most + 1))

    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        group.create_task(write())
        for _ in range(20):
            group.create_task(come_and_go())


async def test_a_catalogue_that_is_away_for_a_while_ends_no_stream(house):
    catalogue = Watched(house.catalogue)
    made = Following(house, catalogue, await house.flow())
    made.stream._times = LATER._replace(interval=0.01)
    with made.subscribed() as subscriber:
        waiting = asyncio.create_task(numbers(subscriber, 2))
        await made.change()
        await until(lambda: made.built)
        catalogue.failing = 2
        await made.change()
        assert await waiting == [1, 2]
        assert not catalogue.failing
    await made.stream.close()


async def test_a_body_that_cannot_be_built_ends_the_streams_that_ask_for_it_alone(following):
    def fail(one, wanted, signer):
        raise RuntimeError("a fault")

    broken = following.stream.subscribed(EVERYTHING, "", fail, Place(0, WHOLE))
    with following.subscribed() as one, broken as failing, following.subscribed() as other:
        waiting = [asyncio.create_task(numbers(each, 3)) for each in (one, other)]
        ending = asyncio.create_task(failing.next())
        await joined(one, other, failing)
        await following.change(3)
        assert await asyncio.gather(*waiting) == [[1, 2, 3]] * 2
        assert await ending is None


async def test_at_the_end_all_streams_end_and_none_begins(following):
    with following.subscribed() as one, following.subscribed() as other:
        waiting = asyncio.create_task(one.next())
        await asyncio.sleep(0)
        following.stream.end()
        assert await waiting is None
        assert await other.next() is None
        with pytest.raises(Busy), following.subscribed():
            pass


async def test_where_nobody_follows_no_write_wakes_anything(following):
    with following.subscribed() as one:
        waiting = asyncio.create_task(numbers(one, 1))
        await following.change()
        await waiting
        assert following.catalogue.listeners
    assert not following.catalogue.listeners
    reads = following.catalogue.reads
    await following.change()
    for _ in range(20):
        await asyncio.sleep(0)
    assert following.catalogue.reads == reads
