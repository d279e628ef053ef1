"""Deletion requests in the catalogue: kept as they are, counted at their Flow, locked, dropped."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tams.domain.deletions import DeletionRequest
from tams.domain.error_reports import ErrorReport
from tams.domain.pages import PageRequest
from tams.domain.sources import SourceQuery
from tams.domain.timerange import EMPTY, ETERNITY, SECOND, TimeRange
from tams.errors import Invalid
from tests.catalogue.building import NOON, add_flows, at, get_flow, make_flow, new_id, remove_flow

RETENTION = timedelta(days=1)


@pytest.fixture
async def flow(catalogue):
    made = make_flow()
    await add_flows(catalogue, made)
    return await lock_flow(catalogue, made.id)


async def lock_flow(catalogue, flow_id):
    return await catalogue.write(lambda tx: tx.flows.lock(flow_id))


def make_request(flow, **known):
    """A request of a Flow, with the least that it needs."""
    values = {
        "id": new_id(),
        "flow_id": flow.id,
        "flow_key": flow.key,
        "ordinal": flow.ordinal,
        "timerange": ETERNITY,
        "remaining": TimeRange(0, 100 * SECOND),
        "delete_flow": False,
        "created": NOON,
        "updated": NOON,
    }
    return DeletionRequest(**values | known)


async def add(catalogue, *requests):
    """Store requests in this order, and return their keys."""

    async def work(tx):
        keys = []
        for request in requests:
            await tx.flows.lock(request.flow_id)
            keys.append(await tx.deletions.add(request))
        return keys

    return await catalogue.write(work)


async def put(catalogue, request):
    await catalogue.write(lambda tx: tx.deletions.replace(request))


async def get(catalogue, request, now=NOON):
    return await catalogue.read(lambda tx: tx.deletions.get(request.id, now))


async def lock(catalogue, key):
    return await catalogue.write(lambda tx: tx.deletions.lock(key))


async def open_of(catalogue, flow):
    found = await catalogue.read(lambda tx: tx.deletions.open_of(flow.key))
    return [request.id for request in found]


async def listed(catalogue, now=NOON, limit=100, **asked):
    return await catalogue.read(lambda tx: tx.deletions.list(now, PageRequest(limit, **asked)))


async def expire(catalogue, now, **limit):
    return await catalogue.write(lambda tx: tx.deletions.expire(now, **limit))


def done(request, now=NOON):
    return request.advanced(None, now, RETENTION)


def failed(request, now=NOON):
    return request.failed("StorageFailed", "the disk is away", now, RETENTION)


async def test_a_request_keeps_all_that_is_known_of_it(catalogue, flow):
    request = make_request(
        flow,
        ordinal=7,
        timerange=TimeRange.parse("[0:500000000_9:0]"),
        remaining=TimeRange.parse("[1:0_9:0)"),
        object_id="an object",
        created_by="editor",
        created=at(-0.000001),
        updated=at(0.000001),
    )
    whole = make_request(flow, delete_flow=True, remaining=EMPTY, status="started")
    await add(catalogue, request, whole)
    assert await get(catalogue, request) == request
    assert await get(catalogue, whole) == whole


async def test_a_request_is_there_if_and_only_if_its_change_is(catalogue, flow):
    request = make_request(flow)

    async def refused(tx):
        await tx.flows.lock(flow.id)
        await tx.deletions.add(request)
        assert await tx.deletions.get(request.id, NOON) == request
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        await catalogue.write(refused)
    assert await get(catalogue, request) is None
    assert (await lock_flow(catalogue, flow.id)).deletions == 0


async def test_what_is_stored_later_is_how_far_it_is(catalogue, flow):
    request = make_request(flow, object_id="an object", created_by="editor")
    await add(catalogue, request, other := make_request(flow))
    started = request.advanced(40 * SECOND, at(1), RETENTION)
    await put(catalogue, started)
    assert await get(catalogue, request) == started
    assert started.remaining == TimeRange(40 * SECOND, 100 * SECOND)
    given_up = failed(started, at(2))
    await put(catalogue, given_up)
    assert await get(catalogue, request) == given_up
    assert given_up.error == ErrorReport(
        type="StorageFailed", summary="the disk is away", time=at(2)
    )
    ended = done(other, at(3))
    await put(catalogue, ended)
    assert await get(catalogue, other) == ended
    assert ended.remaining is None


async def test_the_flow_says_how_many_of_its_deletions_are_open(catalogue, flow):
    other = make_flow()
    await add_flows(catalogue, other)
    first, second = make_request(flow), make_request(flow)

    async def number():
        return (await lock_flow(catalogue, flow.id)).deletions

    assert await number() == 0
    await add(catalogue, first, second, make_request(flow, delete_flow=True))
    await add(catalogue, make_request(await lock_flow(catalogue, other.id)))
    assert await number() == 2
    await put(catalogue, first.advanced(SECOND, at(1), RETENTION))
    assert await number() == 2
    await put(catalogue, done(first))
    assert await number() == 1
    await put(catalogue, failed(second))
    assert await number() == 0
    assert (await lock_flow(catalogue, other.id)).deletions == 1


async def test_only_an_open_request_can_be_worked_on(catalogue, flow):
    requests = [make_request(flow), make_request(flow, delete_flow=True), make_request(flow)]
    keys = await add(catalogue, *requests)
    assert len(set(keys)) == 3
    assert [await lock(catalogue, key) for key in keys] == requests
    started = requests[0].advanced(SECOND, at(1), RETENTION)
    for request in (started, done(requests[1]), failed(requests[2])):
        await put(catalogue, request)
    assert [await lock(catalogue, key) for key in keys] == [started, None, None]
    assert await lock(catalogue, max(keys) + 1) is None


async def test_nobody_else_works_on_a_request_until_the_work_ends(catalogue, flow):
    request = make_request(flow)
    [key] = await add(catalogue, request)

    async def slice_off(tx):
        held = await tx.deletions.lock(key)
        await tx.deletions.replace(held.advanced(held.remaining.start + SECOND, at(1), RETENTION))

    await asyncio.gather(*(catalogue.write(slice_off) for _ in range(10)))
    assert (await get(catalogue, request)).remaining == TimeRange(10 * SECOND, 100 * SECOND)


async def test_the_open_requests_of_a_flow_come_oldest_first(catalogue, flow):
    requests = [make_request(flow, created=at(-number)) for number in range(4)]
    await add(catalogue, *requests)
    await put(catalogue, done(requests[1]))
    await put(catalogue, failed(requests[2]))
    left = [requests[0].id, requests[3].id]
    assert await open_of(catalogue, flow) == left
    await remove_flow(catalogue, flow.id)
    await add_flows(catalogue, make_flow(id=flow.id))
    again = await lock_flow(catalogue, flow.id)
    assert await get_flow(catalogue, flow.id) is not None
    assert await open_of(catalogue, flow) == left
    assert await open_of(catalogue, again) == []
    assert again.deletions == 0


async def test_requests_are_listed_newest_first_and_page_by_page(catalogue, flow):
    made = [make_request(flow, created=at(number // 2)) for number in range(7)]
    await add(catalogue, *made)
    wanted = [one.id for one in sorted(made, key=lambda one: (NOON - one.created, one.id))]
    for reverse in (False, True):
        found, key = [], None
        while found == [] or key is not None:
            page = await listed(catalogue, limit=3, key=key, reverse=reverse)
            found += [request.id for request in page.items]
            key = page.next_key
        assert found == (wanted[::-1] if reverse else wanted)


async def test_requests_are_listed_by_expiry_the_open_ones_last(catalogue, flow):
    open_one, early, late = (make_request(flow) for _ in range(3))
    await add(catalogue, open_one, early, late)
    await put(catalogue, done(early, at(1)))
    await put(catalogue, done(late, at(2)))
    for reverse in (False, True):
        first = await listed(catalogue, limit=2, sort="expiry", reverse=reverse)
        rest = await listed(catalogue, limit=2, sort="expiry", reverse=reverse, key=first.next_key)
        wanted = [late.id, early.id, open_one.id]
        found = [request.id for request in (*first.items, *rest.items)]
        assert found == (wanted[::-1] if reverse else wanted)
        assert rest.next_key is None
    ends = [done(early, at(1)).expiry, done(late, at(2)).expiry]
    for now, number in zip((NOON, *ends), (3, 2, 1), strict=True):
        assert await catalogue.read(lambda tx, it=now: tx.deletions.count(it)) == number


async def test_a_page_key_of_something_else_is_refused(catalogue, flow):
    await add(catalogue, make_request(flow), make_request(flow))
    await add_flows(catalogue, make_flow())
    key = (await listed(catalogue, limit=1)).next_key
    sources = await catalogue.read(lambda tx: tx.sources.list(SourceQuery(), PageRequest(1)))
    for asked in (
        {"key": key, "reverse": True},
        {"key": key, "sort": "expiry"},
        {"key": sources.next_key},
        {"key": "nonsense"},
    ):
        with pytest.raises(Invalid, match="page"):
            await listed(catalogue, **asked)
    with pytest.raises(Invalid, match="sort_by"):
        await listed(catalogue, sort="metadata_updated")


async def test_a_request_that_has_expired_is_not_seen_and_then_dropped(catalogue, flow):
    kept, first, second = (make_request(flow) for _ in range(3))
    await add(catalogue, kept, first, second)
    await put(catalogue, done(first, at(0)))
    await put(catalogue, failed(second, at(1)))
    for now, seen in [(NOON + RETENTION - timedelta(microseconds=1), 3), (NOON + RETENTION, 2)]:
        assert len((await listed(catalogue, now)).items) == seen
        assert (await get(catalogue, first, now) is None) == (seen == 2)
    assert await expire(catalogue, NOON + RETENTION - timedelta(microseconds=1)) == 0
    assert await expire(catalogue, NOON + RETENTION) == 1
    assert await get(catalogue, first) is None
    assert await get(catalogue, second) == failed(second, at(1))
    assert await expire(catalogue, at(10**8)) == 1
    assert (await listed(catalogue)).items == [kept]
    assert await expire(catalogue, at(10**8)) == 0


async def test_only_so_many_are_dropped_at_once(catalogue, flow):
    requests = [make_request(flow) for _ in range(3)]
    await add(catalogue, *requests)
    for request in requests:
        await put(catalogue, done(request))
    assert await expire(catalogue, at(10**8), limit=2) == 2
    assert len((await listed(catalogue)).items) == 1
    assert await expire(catalogue, at(10**8), limit=2) == 1


async def test_an_unknown_request_is_none(catalogue, flow):
    assert await get(catalogue, make_request(flow)) is None
    assert await open_of(catalogue, flow) == []
    assert (await listed(catalogue)).items == []
