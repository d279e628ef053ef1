"""What becomes of Objects, removed Flows and events behind the answers."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from pathlib import Path

import pytest

from tams.domain.access import ANYONE
from tams.domain.objects import Instance
from tams.domain.storage import StorageRequest
from tams.services.cleanup import AT_ONCE, CleanUp
from tams.services.deletions import SLICE
from tams.services.queue import LEASE, back_off
from tests.services.conftest import BASE, EVENT_RETENTION, HOT, URL_LIFETIME

SECOND = timedelta(seconds=1)


async def stored(house, *object_ids: str) -> tuple[str, list[str]]:
    """A Flow with a Segment of each of these Objects, and the keys of their bytes."""
    flow_id = await house.flow()
    await house.allocate(flow_id, *object_ids)
    for second, object_id in enumerate(object_ids):
        assert await house.post(flow_id, object_id, f"[{second}:0_{second + 1}:0)") is None
    return flow_id, [await house.write(object_id) for object_id in object_ids]


async def test_bytes_outlive_their_object_until_its_urls_have_ended(house):
    flow_id, (key,) = await stored(house, "a")
    await house.delete(flow_id)
    house.clock.now += URL_LIFETIME - SECOND
    assert await house.work_off() == 0
    assert await house.has_bytes(key)
    assert await house.taken("a") == {"a"}
    house.clock.now += SECOND
    assert await house.work_off() == 1
    assert not await house.has_bytes(key)
    assert await house.taken("a") == frozenset()


async def test_an_object_that_another_flow_uses_keeps_its_bytes(house):
    flow_id, (key,) = await stored(house, "a")
    other = await house.flow()
    await house.post(other, "a", "[5:0_6:0)", ts_offset=5 * 10**9)
    await house.delete(flow_id)
    house.clock.now += URL_LIFETIME
    assert await house.work_off() == 0
    assert await house.has_bytes(key)
    await house.delete(other)
    house.clock.now += URL_LIFETIME
    assert await house.work_off() == 1
    assert not await house.has_bytes(key)


async def test_what_is_late_with_an_earlier_object_misses_a_new_one_of_its_id(house):
    flow_id, (old,) = await stored(house, "a")
    await house.delete(flow_id)
    house.clock.now += URL_LIFETIME
    assert await house.work_off() == 1
    await house.allocate(flow_id, "a")
    assert await house.post(flow_id, "a", "[0:0_1:0)") is None
    new = await house.write("a")
    await house.storages[HOT.id].delete(old)
    assert await house.has_bytes(new)


async def test_a_removed_flow_goes_slice_by_slice_with_its_objects(house):
    flow_id = await house.flow()
    await house.fill(flow_id, 2100)
    key = await house.write("o2099")
    await house.deletions.delete_flow(ANYONE, flow_id)
    assert await house.timeranges(flow_id) == []
    assert await house.work_off() == ceil(2100 / SLICE)
    assert await house.taken("o0", "o2099") == {"o0", "o2099"}
    house.clock.now += URL_LIFETIME
    assert await house.work_off() == ceil(2100 / AT_ONCE)
    assert await house.taken(*(f"o{n}" for n in range(2100))) == frozenset()
    assert not await house.has_bytes(key)


async def test_a_flow_made_again_is_not_touched_by_the_removal_of_the_first(house):
    flow_id, _ = await stored(house, "a")
    await house.deletions.delete_flow(ANYONE, flow_id)
    await house.flow(id=flow_id)
    await house.allocate(flow_id, "b")
    await house.post(flow_id, "b", "[0:0_1:0)")
    await house.work_off()
    house.clock.now += URL_LIFETIME
    await house.work_off()
    assert await house.timeranges(flow_id) == ["[0:0_1:0)"]
    assert await house.taken("a", "b") == {"b"}


async def test_bytes_that_cannot_be_deleted_are_tried_again_later_and_later(house):
    flow_id, (key,) = await stored(house, "a")
    blocked = block(house, key)
    await house.delete(flow_id)
    house.clock.now += URL_LIFETIME
    for attempt in (1, 2):
        assert await house.work_off() == 1
        assert await house.taken("a") == {"a"}
        house.clock.now += back_off(attempt) - SECOND
        assert await house.work_off() == 0
        house.clock.now += SECOND
    unblock(blocked)
    assert await house.work_off() == 1
    assert await house.taken("a") == frozenset()
    assert not await house.has_bytes(key)


async def test_each_that_fails_waits_by_its_own_back_off_and_the_others_go(house):
    flow_id, (a, b, c) = await stored(house, "a", "b", "c")
    blocked = {key: block(house, key) for key in (a, b)}
    await house.delete(flow_id, "[0:0_1:0)")
    house.clock.now += URL_LIFETIME
    assert await house.work_off() == 1
    await house.delete(flow_id)
    house.clock.now += URL_LIFETIME
    assert await house.work_off() == 1
    assert await house.taken("a", "b", "c") == {"a", "b"}
    assert not await house.has_bytes(c)
    for path in blocked.values():
        unblock(path)
    house.clock.now += back_off(1)
    assert await house.work_off() == 1
    assert await house.taken("a", "b", "c") == {"a"}
    house.clock.now += back_off(2) - back_off(1)
    assert await house.work_off() == 1
    assert await house.taken("a") == frozenset()


def block(house, key: str) -> Path:
    """Put a folder that is not empty in the place of the bytes under a key."""
    (storage,) = house.storages.local.values()
    (path,) = (path for path in storage.root.rglob("*") if str(path).endswith(f"/{key}"))
    path.unlink()
    path.mkdir()
    (path / "in the way").touch()
    return path


def unblock(path: Path) -> None:
    (path / "in the way").unlink()
    path.rmdir()


async def test_bytes_in_a_backend_that_is_not_set_up_wait_for_it(house):
    flow_id, (key,) = await stored(house, "a")
    await house.delete(flow_id)
    house.clock.now += URL_LIFETIME
    lost = CleanUp(
        house.catalogue,
        {},
        house.clock,
        url_lifetime=URL_LIFETIME,
        event_retention=EVENT_RETENTION,
    )
    assert await lost.remove_objects()
    assert await house.taken("a") == {"a"}
    house.clock.now += back_off(1)
    assert await house.work_off() == 1
    assert not await house.has_bytes(key)


async def test_a_job_that_a_worker_left_behind_is_done_by_another(house):
    flow_id, (key,) = await stored(house, "a")
    await house.delete(flow_id)
    house.clock.now += URL_LIFETIME
    now = house.clock.now
    assert await house.catalogue.write(lambda tx: tx.jobs.claim(now, now + LEASE))
    assert await house.work_off() == 0
    house.clock.now += LEASE
    assert await house.work_off() == 1
    assert not await house.has_bytes(key)


async def test_an_object_held_elsewhere_is_only_forgotten(house):
    flow_id = await house.flow()
    elsewhere = (Instance(url="https://media.example/a", label="elsewhere"),)
    await house.post(flow_id, "x", "[0:0_1:0)", get_urls=elsewhere)
    await house.delete(flow_id)
    house.clock.now += URL_LIFETIME
    assert await house.work_off() == 1
    assert await house.taken("x") == frozenset()


async def test_what_was_uploaded_but_never_registered_goes(house):
    flow_id = await house.flow()
    await house.storage.allocate(ANYONE, BASE, flow_id, StorageRequest(limit=1000))
    assert not await house.cleanup.condemn_expired()
    house.clock.now += timedelta(hours=3)
    assert await house.cleanup.condemn_expired()
    assert not await house.cleanup.condemn_expired()
    assert await house.work_off() == ceil(1000 / AT_ONCE)


async def test_events_end_when_they_are_too_old(house):
    flow_id, _ = await stored(house, "a")
    house.clock.now += EVENT_RETENTION - SECOND
    await house.delete(flow_id)
    await house.catalogue.write(lambda tx: tx.events.publish())
    assert not await house.cleanup.expire_events()
    house.clock.now += SECOND * 2
    assert await house.cleanup.expire_events()
    assert [event.type for event in await house.events(flow_id)] == ["flows/segments_deleted"]
    assert not await house.cleanup.expire_events()


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 10), (2, 20), (3, 40), (9, 2560), (10, 3600), (1000, 3600)]
)
def test_back_off_doubles_up_to_an_hour(attempt, seconds):
    assert back_off(attempt) == timedelta(seconds=seconds)
