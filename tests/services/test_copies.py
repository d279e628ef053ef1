"""Copies behind the answers: whole and listed, or not listed and removed, whatever goes wrong."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from tams.errors import Invalid, StorageFailed
from tams.services.copies import ATTEMPTS
from tams.services.queue import LEASE, LONG_LEASE, back_off, claim
from tests.services.conftest import HOT, URL_LIFETIME
from tests.services.copying import COLD, CONTENT, close, nothing, open_copying

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
STEPS = ("before", "midway", "written", "read_back")


@pytest.fixture
async def copying(house, tmp_path):
    opened = await open_copying(house, tmp_path)
    yield opened
    await close(opened)


class Crash(Exception):
    """The process ends here: nobody catches it, and nothing more happens."""


def failing(failure):
    async def fail():
        raise failure

    return fail


def let_go(copying):
    for step in STEPS:
        setattr(copying.cold, step, nothing)


async def is_whole_and_alone(copying):
    """The Object lies in both folders, once, and both are listed."""
    own, copy = await copying.listed()
    assert (own.storage_id, copy.storage_id) == (HOT.id, COLD.id)
    assert await copying.content_of(copy) == CONTENT
    assert await copying.held_by(copying.hot, copying.cold) == [CONTENT, CONTENT]


async def nothing_is_left(copying):
    assert await copying.held_by(copying.hot, copying.cold) == []
    assert await copying.house.taken("a") == frozenset()
    copying.house.clock.now += 10 * HOUR
    assert await copying.work_off() == 0


async def test_a_copy_is_listed_once_it_is_whole(copying):
    await copying.stored()
    seen = []

    async def look():
        seen.append(len(await copying.listed()))

    for step in STEPS:
        setattr(copying.cold, step, look)
    await copying.add()
    assert len(await copying.listed()) == 1
    assert await copying.work_off() == 1
    assert len(seen) >= 4
    assert set(seen) == {1}
    await is_whole_and_alone(copying)
    stored = await copying.cold.head((await copying.listed())[1].key)
    assert stored.content_type == "application/json"
    assert await copying.work_off() == 0


@pytest.mark.parametrize("step", STEPS)
async def test_a_copy_that_fails_is_tried_again_later(copying, step):
    await copying.stored()
    setattr(copying.cold, step, failing(StorageFailed("the disk is full")))
    await copying.add()
    assert await copying.work_off() == 1
    assert len(await copying.listed()) == 1
    let_go(copying)
    copying.house.clock.now += back_off(1) - SECOND
    assert await copying.work_off() == 0
    copying.house.clock.now += SECOND
    assert await copying.work_off() == 1
    await is_whole_and_alone(copying)


@pytest.mark.parametrize("step", STEPS)
async def test_a_copy_that_a_worker_left_behind_is_made_by_another(copying, step):
    await copying.stored()
    setattr(copying.cold, step, failing(Crash()))
    await copying.add()
    with pytest.raises(Crash):
        await copying.work_off()
    assert len(await copying.listed()) == 1
    let_go(copying)
    assert await copying.work_off() == 0
    copying.house.clock.now += LONG_LEASE
    assert await copying.work_off() == 1
    await is_whole_and_alone(copying)


@pytest.mark.parametrize("failure", [StorageFailed("the disk is full"), Crash()])
@pytest.mark.parametrize("step", STEPS)
async def test_a_copy_that_never_comes_about_is_given_up_and_may_be_asked_for_again(
    copying, step, failure
):
    await copying.stored()
    setattr(copying.cold, step, failing(failure))
    await copying.add()
    for _ in range(ATTEMPTS):
        with pytest.raises(Invalid, match="on its way"):
            await copying.add()
        with suppress(Crash):
            assert await copying.work_off() == 1
        copying.house.clock.now += HOUR
    await copying.work_off()
    copying.house.clock.now += LONG_LEASE
    await copying.work_off()
    assert await copying.held_by(copying.hot, copying.cold) == [CONTENT]
    assert len(await copying.listed()) == 1
    let_go(copying)
    await copying.add()
    assert await copying.work_off() == 1
    await is_whole_and_alone(copying)


@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_whose_lease_ran_out_spoils_nothing(copying, step):
    await copying.stored()
    done = []

    async def another_does_it():
        let_go(copying)
        copying.house.clock.now += LONG_LEASE
        done.append(await copying.work_off())

    setattr(copying.cold, step, another_does_it)
    await copying.add()
    await copying.work_off()
    assert done == [1]
    await is_whole_and_alone(copying)
    copying.house.clock.now += 10 * HOUR
    assert await copying.work_off() == 0
    await is_whole_and_alone(copying)


async def test_a_worker_whose_copy_was_given_up_by_others_leaves_nothing(copying):
    await copying.stored()

    async def others_give_up():
        let_go(copying)
        copying.cold.before = failing(StorageFailed("the disk is full"))
        for _ in range(ATTEMPTS):
            copying.house.clock.now += HOUR
            assert await copying.work_off() == 1
        copying.house.clock.now += LONG_LEASE
        assert await copying.work_off() == 1

    copying.cold.midway = others_give_up
    await copying.add()
    await copying.work_off()
    assert await copying.held_by(copying.cold) == []
    assert len(await copying.listed()) == 1


@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_whose_lease_ran_out_tries_no_other_instance(copying, step):
    """What another worker has proved meanwhile stays as it is."""
    await copying.stored()
    asked = []

    async def give_others(request):
        asked.append(request)
        return web.Response(body=b"damaged", content_type="video/mp2t")

    async def another_does_it():
        let_go(copying)
        copying.house.clock.now += LONG_LEASE
        assert await copying.work_off() == 1

    async with RawTestServer(give_others) as server:
        await copying.add(url=str(server.make_url("/clip.ts")), label="elsewhere")
        setattr(copying.cold, step, another_does_it)
        await copying.add()
        await copying.work_off()
    assert not asked
    copy = next(each for each in await copying.listed() if each.storage_id == COLD.id)
    assert await copying.content_of(copy) == CONTENT


async def test_a_worker_whose_lease_ran_out_lists_nothing(copying):
    """Another is still writing there, and may yet turn to an instance that is not as good."""
    await copying.stored()

    async def claimed_by_another():
        let_go(copying)
        copying.house.clock.now += LONG_LEASE
        assert await claim(copying.house.catalogue, copying.house.clock, ["copy_object"])

    copying.cold.read_back = claimed_by_another
    await copying.add()
    await copying.queue.run_due()
    assert len(await copying.listed()) == 1
    copying.house.clock.now += LEASE
    await copying.work_off()
    await is_whole_and_alone(copying)


async def test_a_slow_copy_keeps_its_lease(copying):
    await copying.stored()
    claims = []

    async def slowly():
        copying.house.clock.now += LONG_LEASE * 0.9
        claims.append(await copying.queue.run_due())

    copying.cold.midway = slowly
    await copying.add()
    await copying.work_off()
    assert len(claims) > 1
    assert not any(claims)
    await is_whole_and_alone(copying)


async def test_a_copy_that_does_not_begin_soon_keeps_its_lease_too(copying):
    await copying.stored()
    claims = []

    async def late():
        copying.house.clock.now += 2 * LEASE
        claims.append(await copying.queue.run_due())

    copying.cold.before = late
    await copying.add()
    await copying.work_off()
    assert claims == [False]
    await is_whole_and_alone(copying)


@pytest.mark.parametrize("step", STEPS)
async def test_a_copy_of_what_is_let_go_meanwhile_is_removed_with_it(copying, step):
    flow_id = await copying.stored()

    async def let_it_go():
        let_go(copying)
        await copying.house.delete(flow_id)

    setattr(copying.cold, step, let_it_go)
    await copying.add()
    await copying.work_off()
    assert await copying.listed() == ()
    copying.house.clock.now += URL_LIFETIME
    await copying.work_off()
    await nothing_is_left(copying)


async def test_what_is_let_go_stays_taken_while_it_is_being_copied(copying):
    flow_id = await copying.stored(content=bytes(20 << 20))
    beginning = copying.house.clock.now

    async def collect():
        await copying.house.delete(flow_id)
        copying.house.clock.now += LONG_LEASE * 0.9
        await copying.work_off()
        assert await copying.house.taken("a") == {"a"}

    copying.cold.midway = collect
    await copying.add()
    await copying.work_off()
    assert copying.house.clock.now > beginning + URL_LIFETIME
    assert len(await copying.held_by(copying.cold)) == 1
    copying.house.clock.now += HOUR
    await copying.work_off()
    await nothing_is_left(copying)


async def test_what_is_let_go_before_it_is_copied_is_not_copied(copying):
    flow_id = await copying.stored()
    await copying.add()
    await copying.house.delete(flow_id)
    copying.cold.before = failing(AssertionError("it is copied"))
    await copying.work_off()
    copying.house.clock.now += URL_LIFETIME
    await copying.work_off()
    await nothing_is_left(copying)


async def test_a_copy_comes_from_any_instance_that_can_be_read(copying):
    await copying.stored()
    await copying.add()
    await copying.work_off()
    own, copy = await copying.listed()
    await copying.remove(storage_id=HOT.id)
    assert await copying.listed() == (copy,)
    await copying.hot.delete(own.key)
    await copying.add(storage_id=HOT.id)
    await copying.work_off()
    copy, again = await copying.listed()
    assert (copy.storage_id, again.storage_id) == (COLD.id, HOT.id)
    assert await copying.content_of(again) == CONTENT
    copying.house.clock.now += URL_LIFETIME
    await copying.work_off()
    assert await copying.content_of(again) == CONTENT


async def test_bytes_that_were_never_uploaded_are_waited_for(copying):
    await copying.stored()
    (own,) = await copying.listed()
    await copying.hot.delete(own.key)
    await copying.add()
    assert await copying.work_off() == 1
    await copying.stored("b")
    await copying.hot.write(own.key, "video/mp2t", {}, chunks(CONTENT))
    copying.house.clock.now += back_off(1)
    assert await copying.work_off() == 1
    assert await copying.content_of((await copying.listed())[1]) == CONTENT


async def chunks(content):
    yield content


async def test_bytes_that_rotted_are_not_copied(copying):
    await copying.stored()
    (own,) = await copying.listed()
    path = copying.hot.root / own.key
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"rot")
    time = int(next(path.parent.glob(f".{path.name}.*")).name.rpartition(".")[2])
    os.utime(path, ns=(time, time))
    await copying.add()
    assert await copying.work_off() == 1
    assert len(await copying.listed()) == 1
    assert await copying.held_by(copying.cold) == []
