"""Uploads that end before they should: what is left, and who takes it away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tams.domain.access import ANYONE
from tams.domain.segment_uploads import DeclaredSegment, UploadedFile
from tams.domain.segments import NewSegment
from tams.domain.timerange import TimeRange
from tams.errors import FlowReadOnly, Invalid, OutcomeUnknown, StorageFailed, TooLarge
from tams.services.segment_uploads import SegmentUploads, UploadRules
from tams.services.uploads import Uploads
from tests.services.conftest import HOT, OBJECT_TIMEOUT, URL_LIFETIME, once

FILE = UploadedFile("video/mp4", {})
MAX_SIZE = 10


def uploads_of(house, catalogue=None, looking=None):
    return SegmentUploads(
        catalogue or house.catalogue,
        house.storage,
        house.flows,
        house.clock,
        UploadRules(
            backend_labels=house.storages.labels, url_lifetime=URL_LIFETIME, max_size=MAX_SIZE
        ),
        looking,
    )


def second(start, object_id="", tags=None):
    timerange = TimeRange.parse(f"[{start}:0_{start + 1}:0)")
    return DeclaredSegment(NewSegment(object_id, timerange), tags or {})


def files(house):
    root = house.storages[HOT.id].root
    return [path for path in (root / "tams").rglob("*") if path.is_file()]


async def upload(house, flow_id, *segments, uploads=None, content=b"media"):
    async with (uploads or uploads_of(house)).begin(ANYONE, flow_id, None) as begun:
        begun.declare(segments)
        for _ in segments:
            await begun.store(FILE, once(content))
        return await begun.finish()


async def test_a_process_that_is_killed_leaves_what_expires(house):
    flow_id = await house.flow()
    begun = uploads_of(house).begin(ANYONE, flow_id, None)
    killed = await begun.__aenter__()
    killed.declare([second(0, "a")])
    await killed.store(FILE, once(b"media"))
    assert await house.taken("a") == {"a"}
    assert files(house)
    house.clock.now += OBJECT_TIMEOUT + timedelta(seconds=61)
    await house.cleanup.condemn_expired()
    await house.work_off()
    assert await house.taken("a") == frozenset()
    assert files(house) == []
    assert await house.timeranges(flow_id) == []


async def test_who_came_first_keeps_the_time_and_the_other_leaves_nothing(house):
    flow_id = await house.flow()

    async def be_slow():
        async with uploads_of(house).begin(ANYONE, flow_id, None) as slow:
            slow.declare([second(0, "slow"), second(7, "also")])
            await slow.store(FILE, once(b"media"))
            await upload(house, flow_id, second(0, "fast"))
            await slow.store(FILE, once(b"media"))
            await slow.finish()

    with pytest.raises(Invalid, match="overlaps"):
        await be_slow()
    assert await house.timeranges(flow_id) == ["[0:0_1:0)"]
    assert await house.taken("slow", "also", "fast") == {"fast"}
    assert len([path for path in files(house) if not path.name.startswith(".")]) == 1


async def test_a_flow_that_became_read_only_takes_nothing(house):
    flow_id = await house.flow()

    async def go_on():
        async with uploads_of(house).begin(ANYONE, flow_id, None) as begun:
            await begun.store(FILE, once(b"media"))
            await house.flows.set_read_only(ANYONE, flow_id, read_only=True)
            begun.declare([second(0)])
            await begun.finish()

    with pytest.raises(FlowReadOnly):
        await go_on()
    assert files(house) == []


async def test_bytes_beyond_the_limit_are_refused(house):
    flow_id = await house.flow()
    with pytest.raises(TooLarge, match="10 bytes"):
        await upload(house, flow_id, second(0, "a"), content=bytes(MAX_SIZE + 1))
    assert (await house.taken("a"), files(house)) == (frozenset(), [])


class Losing:
    """A catalogue that loses the answer to the last COMMIT of an upload."""

    def __init__(self, catalogue, lost_at):
        self._catalogue = catalogue
        self._left = lost_at

    def __getattr__(self, name):
        return getattr(self._catalogue, name)

    async def write(self, work):
        result = await self._catalogue.write(work)
        self._left -= 1
        if self._left == 0:
            raise OutcomeUnknown("the connection was lost")
        return result


async def test_what_may_have_been_registered_keeps_its_bytes(house):
    flow_id = await house.flow()
    losing = Losing(house.catalogue, lost_at=2)  # the allocation, then the registration
    with pytest.raises(OutcomeUnknown):
        await upload(house, flow_id, second(0, "a"), uploads=uploads_of(house, losing))
    assert await house.timeranges(flow_id) == ["[0:0_1:0)"]
    await house.work_off()
    found = await house.catalogue.read(lambda tx: tx.objects.get("a"))
    assert found.size == 5
    assert await house.has_bytes(found.instances[0].key)


async def test_bytes_that_cannot_be_removed_now_are_removed_later(house):
    flow_id = await house.flow()
    storage = house.storages[HOT.id]
    remove = storage.delete_many

    async def failing(keys):
        return dict.fromkeys(keys, StorageFailed("it is down"))

    storage.delete_many = failing
    with pytest.raises(Invalid, match="at least one byte"):
        await upload(house, flow_id, second(0, "a"), content=b"")
    assert await house.taken("a") == {"a"}
    storage.delete_many = remove
    await house.work_off()
    assert (await house.taken("a"), files(house)) == (frozenset(), [])


async def test_an_allocation_is_prolonged_while_bytes_come(house):
    flow_id = await house.flow()

    async def slowly():
        for _ in range(5):
            house.clock.now += OBJECT_TIMEOUT * 0.6
            yield b"x"
            await house.cleanup.condemn_expired()
            await house.work_off()

    async with uploads_of(house).begin(ANYONE, flow_id, None) as begun:
        begun.declare([second(0, "first"), second(1, "second")])
        await begun.store(FILE, once(b"media"))
        await begun.store(FILE, slowly())
        assert len(await begun.finish()) == 2
    assert len(await house.timeranges(flow_id)) == 2


async def test_b084_without_a_file_the_bytes_are_looked_for_where_that_is_wanted(house):
    flow_id = await house.flow()
    await house.allocate(flow_id, "a")
    looking = uploads_of(house, looking=Uploads(house.catalogue, house.storages, max_size=9))

    async def register():
        async with looking.begin(ANYONE, flow_id, None) as begun:
            begun.declare([second(0, "a")])
            return await begun.finish()

    with pytest.raises(Invalid, match="the bytes of a are not there"):
        await register()
    assert await house.timeranges(flow_id) == []
    [place] = (await house.catalogue.read(lambda tx: tx.objects.allocated(["a"]))).values()
    await house.storages[HOT.id].write(place.key, "video/mp2t", {}, once(b"media"))
    assert len(await register()) == 1
    assert await house.timeranges(flow_id) == ["[0:0_1:0)"]


async def test_what_is_to_be_deleted_is_not_in_the_way(house):
    flow_id = await house.flow()
    await house.fill(flow_id, 3)
    deletions = house.deletions
    deletions._threshold = 1
    assert await house.delete(flow_id) is not None
    await upload(house, flow_id, second(1, "new", {"a": "b"}))
    assert "[1:0_2:0)" in await house.timeranges(flow_id)
    await house.work_off()
    assert await house.timeranges(flow_id) == ["[1:0_2:0)"]
    found = await house.catalogue.read(lambda tx: tx.segment_tags.get(flow_id, [10**9]))
    assert found == {10**9: {"a": "b"}}


async def test_tags_of_a_segment_in_the_way_go_with_it(house):
    flow_id = await house.flow()
    await upload(house, flow_id, *(second(start, f"{start}", {"old": "x"}) for start in range(3)))
    house.deletions._threshold = 1
    assert await house.delete(flow_id) is not None
    await upload(house, flow_id, second(1, "new"))
    found = await house.catalogue.read(lambda tx: tx.segment_tags.get(flow_id, [10**9]))
    assert found == {}


async def test_a_file_of_a_flow_without_container_says_what_that_is(house):
    flow_id = await house.flow(container=None)
    await upload(house, flow_id, second(0))
    flow = await house.flows.get(flow_id)
    assert flow.container == "video/mp4"
    kinds = [event.type for event in await house.events(flow_id)]
    assert kinds[-2:] == ["flows/updated", "flows/segments_added"]
