"""Registration that looks for the bytes first."""

from __future__ import annotations

import asyncio

import pytest

from tams.domain.access import ANYONE
from tams.domain.flows import DataParameters
from tams.domain.segments import NewSegment
from tams.domain.timerange import TimeRange
from tams.errors import StorageFailed
from tams.services.questions import AT_ONCE
from tams.services.segments import Segments
from tams.services.uploads import Uploads
from tams.storage.local import LocalStorage
from tests.services.conftest import HOT, URL_LIFETIME, once

MAX_SIZE = 10


class Busy(LocalStorage):
    """Notes what it is asked; fails, or lets all wait who do not meet, as a test says."""

    meeting: asyncio.Barrier | None = None
    failure: Exception | None = None

    async def head(self, key):
        self.asked.append(key)
        if self.failure is not None:
            raise self.failure
        if self.meeting is not None:
            await self.meeting.wait()
        return await super().head(key)


@pytest.fixture
async def storage(house):
    there = house.storages[HOT.id]
    busy = Busy(HOT, there.root, there._urls)
    busy.asked = []
    yield busy
    await busy.close()


@pytest.fixture
def segments(house, storage):
    return Segments(
        house.catalogue,
        house.storages.signer,
        house.clock,
        backend_labels=house.storages.labels,
        url_lifetime=URL_LIFETIME,
        uploads=Uploads(house.catalogue, {HOT.id: storage}, max_size=MAX_SIZE),
    )


async def put(house, object_id, content=b"media"):
    places = await house.catalogue.read(lambda tx: tx.objects.allocated([object_id]))
    await house.storages[HOT.id].write(places[object_id].key, "video/mp2t", {}, once(content))


def second(number, object_id, **known):
    timerange = TimeRange(number * 10**9, (number + 1) * 10**9)
    return NewSegment(object_id=object_id, timerange=timerange, **known)


async def test_what_has_no_bytes_or_too_many_is_refused_and_the_rest_registered(house, segments):
    flow_id = await house.flow()
    await house.allocate(flow_id, "whole", "missing", "empty", "large")
    for object_id, size in (("whole", MAX_SIZE), ("empty", 0), ("large", MAX_SIZE + 1)):
        await put(house, object_id, bytes(size))
    names = ("whole", "missing", "empty", "large", "unknown")
    posts = [second(number, name) for number, name in enumerate(names)]
    refused = await segments.add(ANYONE, flow_id, posts)
    assert {refusal.object_id: refusal.reason for refusal in refused} == {
        "missing": "object_id: the bytes of missing are not there; PUT them before this",
        "empty": "object_id: the bytes of empty are not there; PUT them before this",
        "large": "object_id: large has 11 bytes, and may have 10",
        "unknown": "object_id: there is no Object unknown; allocate it first",
    }
    assert await house.timeranges(flow_id) == ["[0:0_1:0)"]
    await put(house, "missing")
    assert not await segments.add(ANYONE, flow_id, [second(1, "missing")])


async def test_an_init_object_needs_its_bytes_too(house, segments):
    flow_id = await house.flow(essence_parameters=DataParameters(init_segments=True))
    await house.allocate(flow_id, "media", "init")
    await put(house, "media")
    post = second(0, "media", init_object_id="init")
    (refusal,) = await segments.add(ANYONE, flow_id, [post])
    assert "the bytes of init are not there" in refusal.reason
    await put(house, "init")
    assert not await segments.add(ANYONE, flow_id, [post])


async def test_what_is_registered_is_not_looked_for_again(house, segments, storage):
    flow_id, other_id = await house.flow(), await house.flow()
    await house.allocate(flow_id, "a")
    await put(house, "a")
    assert not await segments.add(ANYONE, flow_id, [second(0, "a")])
    await segments.add(ANYONE, other_id, [second(0, "a"), second(1, "a")])
    assert len(storage.asked) == 1


async def test_bytes_are_looked_for_at_the_same_time(house, segments, storage):
    flow_id = await house.flow()
    names = [f"o{number}" for number in range(AT_ONCE)]
    await house.allocate(flow_id, *names)
    storage.meeting = asyncio.Barrier(AT_ONCE)
    async with asyncio.timeout(10):
        refused = await segments.add(
            ANYONE, flow_id, [second(number, name) for number, name in enumerate(names)]
        )
    assert len(refused) == AT_ONCE


async def test_a_storage_that_fails_registers_nothing(house, segments, storage):
    flow_id = await house.flow()
    await house.allocate(flow_id, "a")
    await put(house, "a")
    storage.failure = StorageFailed("it is down")
    with pytest.raises(StorageFailed, match="it is down"):
        await segments.add(ANYONE, flow_id, [second(0, "a")])
    assert await house.timeranges(flow_id) == []
    storage.failure = None
    assert not await segments.add(ANYONE, flow_id, [second(0, "a")])
