"""Reads that are counted in memory."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tams.errors import Busy
from tams.services import accesses as module
from tams.services.accesses import Accesses
from tests.catalogue.building import NOON, get_object


class Shaky:
    """A catalogue that may be away, and during whose writes something may happen."""

    def __init__(self, catalogue):
        self._catalogue = catalogue
        self.away = False
        self.meanwhile = lambda: None

    async def write(self, work):
        if self.away:
            raise Busy("it is away")
        self.meanwhile()
        return await self._catalogue.write(work)


@pytest.fixture
def shaky(house):
    return Shaky(house.catalogue)


@pytest.fixture
def accesses(house, shaky):
    return Accesses(shaky, house.clock)


@pytest.fixture
async def filled(house):
    flow_id = await house.flow()
    await house.fill(flow_id, 3)
    return flow_id


async def counts(house):
    found = [await get_object(house.catalogue, f"o{number}") for number in range(3)]
    return [one.access_count for one in found]


async def test_reads_are_added_to_what_was_written_down(house, accesses, filled):
    accesses.note("o0")
    accesses.note("o0")
    accesses.note("o1")
    assert await counts(house) == [0, 0, 0]
    assert await accesses.flush() is True
    assert await accesses.flush() is False
    house.clock.now += timedelta(seconds=9)
    accesses.note("o0")
    await accesses.flush()
    assert await counts(house) == [3, 1, 0]
    assert (await get_object(house.catalogue, "o0")).last_accessed == NOON + timedelta(seconds=9)
    assert (await get_object(house.catalogue, "o2")).last_accessed is None


async def test_nothing_is_lost_while_the_catalogue_is_away(house, accesses, shaky, filled):
    accesses.note("o0")
    shaky.away = True
    with pytest.raises(Busy):
        await accesses.flush()
    accesses.note("o0")
    shaky.away = False
    await accesses.flush()
    assert await counts(house) == [2, 0, 0]


async def test_a_read_during_the_writing_is_written_with_the_next(house, accesses, shaky, filled):
    accesses.note("o0")
    shaky.meanwhile = lambda: accesses.note("o0")
    await accesses.flush()
    assert await counts(house) == [1, 0, 0]
    shaky.meanwhile = lambda: None
    await accesses.flush()
    assert await counts(house) == [2, 0, 0]


async def test_unknown_and_allocated_objects_are_passed_over(house, accesses, filled):
    await house.allocate(filled, "new")
    for object_id in ("new", "unknown", "o1"):
        accesses.note(object_id)
    await accesses.flush()
    assert await counts(house) == [0, 1, 0]
    await house.post(filled, "new", "[9:0_10:0)")
    assert (await get_object(house.catalogue, "new")).access_count == 0


async def test_many_are_written_in_parts_and_too_many_are_not_remembered(
    house, accesses, filled, monkeypatch
):
    monkeypatch.setattr(module, "AT_ONCE", 1)
    monkeypatch.setattr(module, "MOST", 2)
    for object_id in ("o0", "o1", "o2", "o0"):
        accesses.note(object_id)
    parts = 0
    while await accesses.flush():
        parts += 1
    assert (parts, await counts(house)) == (2, [2, 1, 0])
