"""A clock that is put forward or back: for a moment, or for good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc import jwk

from tams.app.background import Background, build_cleaner, build_deletions
from tams.app.stores import Stores
from tams.catalogue.base import Transaction
from tams.domain.clock import PrudentClock
from tams.domain.instances import HeldObject
from tams.domain.jobs import Job
from tams.domain.objects import Instance
from tams.services.cleanup import CleanUp
from tams.services.issuers import Issuer
from tams.services.queue import LEASE
from tams.settings import read_settings
from tams.workers.loop import Worker
from tests.catalogue.building import at
from tests.services.conftest import EVENT_RETENTION, OBJECT_TIMEOUT, URL_LIFETIME, House, once

BEGIN = datetime(2026, 11, 21, tzinfo=UTC)
DAY = timedelta(days=1)


class Machine:
    """Its two clocks: the time of day, which may be set, and the seconds since its start."""

    def __init__(self) -> None:
        self.day = BEGIN
        self.seconds = 0.0

    def clock(self) -> datetime:
        return self.day

    def elapsed(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.day += timedelta(seconds=seconds)
        self.seconds += seconds


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def prudent(machine: Machine) -> PrudentClock:
    return PrudentClock(machine.clock, machine.elapsed)


def test_a_jump_ahead_is_believed_once_it_has_lasted(
    machine: Machine, prudent: PrudentClock
) -> None:
    machine.day += DAY
    for _ in range(10):
        assert prudent() == machine.day - DAY
        machine.wait(60)
    assert prudent() == machine.day


def test_a_jump_ahead_that_is_taken_back_is_never_seen(
    machine: Machine, prudent: PrudentClock
) -> None:
    for _ in range(3):
        machine.day += DAY
        machine.wait(300)
        assert prudent() == machine.day - DAY
        machine.day -= DAY
        machine.wait(300)
        assert prudent() == machine.day


def test_a_clock_that_is_put_back_or_slewed_is_followed(
    machine: Machine, prudent: PrudentClock
) -> None:
    machine.day -= DAY
    assert prudent() == machine.day
    for _ in range(100):
        machine.wait(10)
        machine.day += timedelta(seconds=5)
        assert prudent() == machine.day


async def test_nothing_is_deleted_because_the_clock_was_ahead_for_a_moment(house: House) -> None:
    seconds = [0.0]
    prudent = PrudentClock(house.clock, lambda: seconds[0])
    cleanup = CleanUp(
        house.catalogue,
        house.storages,
        prudent,
        url_lifetime=URL_LIFETIME,
        event_retention=EVENT_RETENTION,
    )
    flow_id = await house.flow()
    await house.allocate(flow_id, "used", "allocated")
    await house.post(flow_id, "used", "[0:0_1:0)")
    key = await house.write("used")
    await house.delete(flow_id)
    house.clock.now += 30 * DAY
    chores = (cleanup.condemn_expired, cleanup.expire_events, cleanup.remove_objects)
    assert not any([await chore() for chore in chores])
    house.clock.now -= 30 * DAY
    assert await house.has_bytes(key)
    assert await house.taken("used", "allocated") == {"used", "allocated"}
    assert await house.events(flow_id)

    for _ in range(10):
        house.clock.now += OBJECT_TIMEOUT
        seconds[0] += OBJECT_TIMEOUT.total_seconds()
        await cleanup.condemn_expired()
        await cleanup.remove_objects()
    assert not await house.has_bytes(key)
    assert await house.taken("used", "allocated") == frozenset()


def beside_a_server(stores: Stores) -> Worker:
    return Background(stores, build_deletions(stores)).worker


@pytest.mark.parametrize("build", [build_cleaner, beside_a_server])
async def test_no_instance_is_deleted_because_the_clock_was_ahead_for_a_moment(
    tmp_path: Path, build: Callable[[Stores], Worker]
) -> None:
    machine = Machine()
    settings = read_settings({}, port=1, data_dir=tmp_path, catalogue="sqlite:///:memory:")
    stores = replace(
        Stores.build(settings, machine.clock), prudent=PrudentClock(machine.clock, machine.elapsed)
    )
    async with stores.opened():
        worker = build(stores)
        [storage] = stores.storages.values()
        await storage.write("gone.ts", "video/mp2t", {}, once(b"media"))
        due = machine.day + URL_LIFETIME
        await stores.catalogue.write(lambda tx: leave(tx, storage.backend.id, due))
        machine.day += DAY
        await worker.work_off()
        machine.day -= DAY
        await worker.work_off()
        assert await storage.head("gone.ts") is not None
        machine.wait(URL_LIFETIME.total_seconds())
        await worker.work_off()
        assert await storage.head("gone.ts") is None


async def leave(tx: Transaction, storage_id: str, due: datetime) -> None:
    """Let an instance of an Object be on its way out."""
    held = HeldObject(1, "gone", "video/mp2t", (), frozenset())
    place = await tx.instances.add_outgoing(held, Instance(storage_id, "gone.ts"))
    await tx.jobs.add(Job(kind="remove_copy", subject=place, due=due))


async def test_a_clock_that_is_put_back_delays_background_work_and_loses_none(
    house: House,
) -> None:
    """A worker that died has left its lease to a moment that comes a second time."""
    flow_id = await house.flow()
    await house.fill(flow_id, 3)
    await house.delete(flow_id)
    house.clock.now += URL_LIFETIME
    await house.catalogue.write(
        lambda tx: tx.jobs.claim(house.clock.now, house.clock.now + LEASE, limit=10)
    )
    house.clock.now -= DAY
    assert await house.work_off() == 0
    house.clock.now += DAY + LEASE
    assert await house.work_off() > 0
    assert await house.taken("o0", "o1", "o2") == frozenset()


async def test_changes_keep_their_order_whatever_the_clock_says(house: House) -> None:
    flow_id = await house.flow()
    await house.allocate(flow_id, *"abc")
    for object_id, hours, start in zip("abc", (0, -5, 3), (0, 1, 2), strict=True):
        house.clock.now += timedelta(hours=hours)
        assert await house.post(flow_id, object_id, f"[{start}:0_{start + 1}:0)") is None
    added = [event for event in await house.events(flow_id) if event.segments]
    assert [event.segments[0].object_id for event in added] == [*"abc"]


async def test_a_url_lives_from_now_on_whatever_the_clock_has_said(house: House) -> None:
    """What was signed by a clock that is ahead or behind is signed anew with the next answer."""
    flow_id = await house.flow()
    await house.fill(flow_id, 1)
    storage = next(iter(house.storages.values()))
    lives = []
    for step in (timedelta(), DAY, -3 * DAY, 2 * DAY):
        house.clock.now += step
        url = storage.sign_gets("http://store.example")("key")
        expires = int(url.partition("expires=")[2].partition("&")[0])
        lives.append(expires - house.clock.now.timestamp())
    assert all(3600 <= life <= URL_LIFETIME.total_seconds() for life in lives)


async def test_keys_of_an_issuer_are_read_though_the_clock_is_put_back() -> None:
    now = [at(0)]

    class Read(Issuer):
        reads = 0

        async def _fetched(self) -> list[jwk.Key]:
            self.reads += 1
            return []

    issuer = Read("https://issuer.example", lambda: now[0])
    await issuer._refresh()
    now[0] -= 3 * DAY
    await issuer._refresh()
    assert issuer.reads == 2
