"""Sizes that nobody told, asked of the storages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tams.domain.analytics import AnalyticsQuery
from tams.errors import StorageFailed
from tams.services.measuring import ATTEMPTS, LEASE, Measuring
from tests.catalogue.building import get_object
from tests.services.conftest import HOT


class Asked:
    """A storage that tells how often it was asked, and may be away."""

    def __init__(self, storage):
        self._storage = storage
        self.keys = []
        self.away = False

    async def head(self, key):
        self.keys.append(key)
        if self.away:
            raise StorageFailed("it is away")
        return await self._storage.head(key)


@pytest.fixture
def asked(house):
    return Asked(house.storages[HOT.id])


@pytest.fixture
def measuring(house, asked):
    return Measuring(house.catalogue, {HOT.id: asked}, house.clock, at_once=3)


async def look(house, measuring):
    await house.catalogue.write(lambda tx: tx.events.publish())
    assert await measuring.look() is False


async def size_of(house, object_id):
    return (await get_object(house.catalogue, object_id)).size


async def jobs(house):
    now, later = (house.clock() + timedelta(days=days) for days in (1, 2))
    kinds = ("measure_object",)
    return await house.catalogue.write(lambda tx: tx.jobs.claim(now, later, kinds, 100))


async def filled(house, number):
    flow_id = await house.flow()
    await house.fill(flow_id, number)
    return flow_id


async def test_objects_are_measured_behind_their_registration(house, measuring, asked):
    flow_id = await filled(house, 2)
    await house.write("o0")
    await house.write("o1")
    assert await size_of(house, "o0") is None
    await look(house, measuring)
    assert (await size_of(house, "o0"), await size_of(house, "o1")) == (5, 5)
    [flow] = await house.catalogue.read(lambda tx: tx.analytics.flows(AnalyticsQuery(), 0, 9))
    assert (flow.id, flow.weight.measured, flow.weight.bytes) == (flow_id, 2, 10)
    await look(house, measuring)
    assert len(asked.keys) == 2
    assert not await jobs(house)


async def test_no_more_is_asked_at_once_than_about_that(house, measuring, asked):
    flow_id = await house.flow()
    for second in range(5):
        await house.allocate(flow_id, f"o{second}")
        await house.post(flow_id, f"o{second}", f"[{second}:0_{second + 1}:0)")
    await look(house, measuring)
    assert len(asked.keys) == 3
    await look(house, measuring)
    assert len(asked.keys) == 5


async def test_what_has_no_bytes_yet_is_asked_for_again_and_not_for_ever(house, measuring, asked):
    await filled(house, 2)
    await look(house, measuring)
    assert len(asked.keys) == 2
    await look(house, measuring)
    assert len(asked.keys) == 2  # not before it is due
    await house.write("o1")
    house.clock.now += timedelta(seconds=10)
    await look(house, measuring)
    assert (await size_of(house, "o0"), await size_of(house, "o1")) == (None, 5)
    for _ in range(2 * ATTEMPTS):
        house.clock.now += timedelta(hours=1)
        await look(house, measuring)
    assert len(asked.keys) == 2 + 1 + ATTEMPTS
    assert not await jobs(house)


async def test_a_storage_that_is_away_keeps_nothing_waiting(house, measuring, asked):
    await filled(house, 1)
    await house.write("o0")
    asked.away = True
    await look(house, measuring)
    asked.away = False
    house.clock.now += timedelta(seconds=10)
    await look(house, measuring)
    assert await size_of(house, "o0") == 5


async def test_who_dies_is_followed_by_another(house, measuring, asked):
    await filled(house, 1)
    await house.write("o0")
    await house.catalogue.write(lambda tx: tx.events.publish())
    now = house.clock()
    claimed = await house.catalogue.write(lambda tx: tx.measuring.claim(now, now + LEASE))
    assert claimed == 0
    await look(house, measuring)
    assert asked.keys == []  # somebody else is at it
    house.clock.now += LEASE
    await look(house, measuring)
    assert await size_of(house, "o0") == 5


async def test_who_comes_late_does_not_turn_back(house, measuring, asked):
    await filled(house, 1)
    await look(house, measuring)
    await house.catalogue.write(lambda tx: tx.measuring.advance(0))
    await look(house, measuring)
    assert len(asked.keys) == 1


async def test_objects_of_others_and_of_events_that_expired_are_passed_over(
    house, measuring, asked
):
    await filled(house, 1)
    await house.catalogue.write(lambda tx: tx.events.publish())
    late = house.clock() + timedelta(days=1)
    await house.catalogue.write(lambda tx: tx.events.expire(late))
    await look(house, measuring)
    assert asked.keys == []
    now = house.clock()
    assert await house.catalogue.write(lambda tx: tx.measuring.claim(now, now)) is None


async def test_nothing_is_asked_where_that_is_off(house, asked):
    await filled(house, 1)
    await look(house, Measuring(house.catalogue, {HOT.id: asked}, house.clock, at_once=0))
    assert asked.keys == []
