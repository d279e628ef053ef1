from __future__ import annotations

import pytest

from tams.domain.objects import ReservedObject
from tests.catalogue.building import (
    NOON,
    add_flows,
    allocate,
    at,
    delete_segments,
    make_flow,
    new_id,
    post,
    segment_at,
)


def make(**known):
    return ReservedObject(**{"id": new_id(), "created": NOON, **known})


async def reserve(catalogue, *reserved):
    await catalogue.write(lambda tx: tx.reservations.add(reserved))


async def get(catalogue, object_id):
    return await catalogue.read(lambda tx: tx.reservations.get(object_id))


async def remove(catalogue, object_id):
    return await catalogue.write(lambda tx: tx.reservations.remove(object_id))


async def clean_up(catalogue):
    """Forget all that is condemned, as the clean-up does."""

    async def work(tx):
        await tx.objects.condemn_expired(at(10**6))
        jobs = await tx.jobs.claim(at(10**7), at(10**8), ("remove_object",), 1000)
        await tx.objects.forget([job.subject for job in jobs])

    await catalogue.write(work)


@pytest.fixture
async def flow(catalogue):
    made = make_flow()
    await add_flows(catalogue, made)
    return made


async def test_a_reservation_comes_back_as_it_was_stored(catalogue):
    bare, full = make(), make(id="a/b Ü", size=0, created_by="me", created=at(0.000001))
    await reserve(catalogue, bare, full)
    assert await get(catalogue, bare.id) == bare
    assert await get(catalogue, full.id) == full
    assert await get(catalogue, new_id()) is None
    asked = [bare.id, new_id(), full.id]
    taken = await catalogue.read(lambda tx: tx.reservations.taken(asked))
    assert taken == {bare.id, full.id}


async def test_it_can_be_given_up(catalogue):
    one = make()
    await reserve(catalogue, one)
    assert await remove(catalogue, one.id)
    assert not await remove(catalogue, one.id)
    assert await get(catalogue, one.id) is None
    await reserve(catalogue, one)


async def test_it_outlives_an_allocation_that_nobody_used(catalogue, flow):
    one = make()
    await reserve(catalogue, one)
    await allocate(catalogue, flow.id, one.id)
    assert await get(catalogue, one.id) == one
    await clean_up(catalogue)
    assert await catalogue.read(lambda tx: tx.objects.taken([one.id])) == frozenset()
    assert await get(catalogue, one.id) == one


async def test_it_goes_with_the_object_that_used_it(catalogue, flow):
    one, other = make(), make()
    await reserve(catalogue, one, other)
    await allocate(catalogue, flow.id, one.id)
    await post(catalogue, flow.id, segment_at(one.id, "[0:0_1:0)"))
    assert await get(catalogue, one.id) is None
    assert not await remove(catalogue, one.id)
    assert await catalogue.read(lambda tx: tx.reservations.taken([one.id])) == {one.id}
    deleted = await delete_segments(catalogue, flow.id)
    await catalogue.write(lambda tx: tx.objects.condemn(deleted.objects, NOON))
    assert await get(catalogue, one.id) is None
    await clean_up(catalogue)
    assert await catalogue.read(lambda tx: tx.reservations.taken([one.id, other.id])) == {other.id}
