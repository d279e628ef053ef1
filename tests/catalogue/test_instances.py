from __future__ import annotations

import asyncio

import pytest

from tams.domain.objects import Instance
from tests.catalogue.building import (
    add_flows,
    allocate,
    at,
    delete_segments,
    get_object,
    make_flow,
    page_of,
    post,
    segment_at,
)

OWN = Instance("disk", "at/o1")
COPY = Instance("tape", "copies/o1")
THIRD = Instance("vault", "copies/o1")
ELSEWHERE = Instance(url="https://media.example/object", label="elsewhere")


@pytest.fixture
async def flow(catalogue):
    """A Flow with a Segment of the Object o1."""
    flow = make_flow()
    await add_flows(catalogue, flow)
    await allocate(catalogue, flow.id, "o1")
    await post(catalogue, flow.id, segment_at("o1", "[0:0_1:0)"))
    return flow.id


async def lock(catalogue, object_id="o1"):
    return await catalogue.write(lambda tx: tx.instances.lock(object_id))


async def keep(catalogue, *instances, object_id="o1"):
    async def work(tx):
        await tx.instances.keep(await tx.instances.lock(object_id), instances)

    await catalogue.write(work)


async def add_copy(catalogue, target=COPY):
    async def work(tx):
        return await tx.instances.add_incoming(await tx.instances.lock("o1"), target)

    return await catalogue.write(work)


async def copy(catalogue, key):
    return await catalogue.write(lambda tx: tx.instances.lock_copy(key))


async def test_only_an_object_that_segments_refer_to_is_held(catalogue, flow):
    await allocate(catalogue, flow, "o2")
    assert await lock(catalogue, "o2") is None
    assert await lock(catalogue, "o3") is None
    held = await lock(catalogue)
    assert held[1:] == ("o1", "video/mp2t", (OWN,), frozenset())
    await delete_segments(catalogue, flow)
    assert await lock(catalogue) is None


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ((OWN, COPY), (OWN, COPY)),
        ((OWN, ELSEWHERE, COPY), (OWN, ELSEWHERE, COPY)),
        ((ELSEWHERE, COPY, THIRD), (COPY, ELSEWHERE, THIRD)),
        ((COPY,), (COPY,)),
        ((ELSEWHERE,), (ELSEWHERE,)),
    ],
)
async def test_what_is_kept_is_seen_in_the_object_and_in_every_segment(
    catalogue, flow, kept, shown
):
    other = make_flow()
    await add_flows(catalogue, other)
    await post(catalogue, other.id, segment_at("o1", "[5:0_6:0)", ts_offset=5 * 10**9))
    await keep(catalogue, OWN, ELSEWHERE, THIRD)
    await keep(catalogue, *kept)
    assert (await get_object(catalogue, "o1")).instances == shown
    for flow_id in (flow, other.id):
        (segment,) = (await page_of(catalogue, flow_id)).items
        assert segment.instances == shown
        assert segment.others == (shown[1:] if shown[0].key else shown) or not segment.others
    assert (await lock(catalogue)).instances == shown


async def test_a_copy_on_its_way_is_known_but_not_listed(catalogue, flow):
    key = await add_copy(catalogue)
    held = await lock(catalogue)
    assert (held.instances, held.incoming) == ((OWN,), {"tape"})
    assert await copy(catalogue, key) == (COPY, held)
    assert await catalogue.read(lambda tx: tx.instances.outgoing(key)) is None
    await catalogue.write(lambda tx: tx.instances.turn_out(key))
    assert await copy(catalogue, key) is None
    assert (await lock(catalogue)).incoming == frozenset()
    assert await catalogue.read(lambda tx: tx.instances.outgoing(key)) == COPY
    await catalogue.write(lambda tx: tx.instances.forget(key))
    assert await catalogue.read(lambda tx: tx.instances.outgoing(key)) is None


async def test_a_copy_of_what_nothing_refers_to_has_no_object(catalogue, flow):
    key = await add_copy(catalogue)
    await delete_segments(catalogue, flow)
    assert await copy(catalogue, key) == (COPY, None)
    assert await copy(catalogue, key + 1) is None


async def test_what_is_condemned_names_every_place_until_it_is_forgotten(catalogue, flow):
    leaving = Instance("disk", "earlier/o1")
    key = (await lock(catalogue)).key
    place = await add_copy(catalogue)

    async def leave(tx):
        return await tx.instances.add_outgoing(await tx.instances.lock("o1"), leaving)

    gone = await catalogue.write(leave)
    await keep(catalogue, OWN, ELSEWHERE, THIRD)
    await delete_segments(catalogue, flow)
    await catalogue.write(lambda tx: tx.objects.condemn([key], at(0)))
    (doomed,) = await catalogue.read(lambda tx: tx.objects.doomed([key]))
    assert set(doomed.instances) == {OWN, THIRD, COPY, leaving}
    assert doomed.is_being_copied
    await catalogue.write(lambda tx: tx.instances.turn_out(place))
    (doomed,) = await catalogue.read(lambda tx: tx.objects.doomed([key]))
    assert not doomed.is_being_copied
    await catalogue.write(lambda tx: tx.objects.forget([key]))
    for each in (place, gone):
        assert await catalogue.read(lambda tx, each=each: tx.instances.outgoing(each)) is None


async def test_two_who_change_the_same_object_come_one_after_the_other(catalogue, flow):
    async def link(number):
        async def work(tx):
            held = await tx.instances.lock("o1")
            new = Instance(url=f"https://media.example/{number}", label=f"label {number}")
            await tx.instances.keep(held, (*held.instances, new))

        await catalogue.write(work)

    await asyncio.gather(*map(link, range(8)))
    assert len((await get_object(catalogue, "o1")).instances) == 9
