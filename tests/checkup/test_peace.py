"""A store in use is no broken store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from tams.domain.access import ANYONE
from tams.domain.objects import Instance
from tams.domain.segments import SegmentQuery
from tams.domain.timerange import ETERNITY
from tams.storage.base import StoredKey
from tests.checkup.store import LATER, CheckedStore
from tests.services.conftest import HOT
from tests.services.copying import COLD

WRITERS = 3
ROUNDS = 12
STRANGE_ID = "an id/that no key can hold ☃"


async def live(store: CheckedStore, name: str) -> None:
    """Upload before or after registering, copy, remove, delete, and begin again."""
    for number in range(ROUNDS):
        flow_id = await store.flow()
        early, late, never = (f"{name} {number} {what}" for what in ("early", "late", "never"))
        await store.allocate(flow_id, early, late, never)
        await store.upload(early)
        await store.register(flow_id, early, 0)
        await store.register(flow_id, late, 1)
        await store.upload(late)
        await store.instances.add(ANYONE, early, Instance(COLD.id))
        await store.work_once()
        if number % 2:
            await store.deletions.delete_segments(ANYONE, flow_id, SegmentQuery(ETERNITY))
        elif number % 3:
            await store.deletions.delete_flow(ANYONE, flow_id)
        await store.work_once()
        store.clock.now += LATER / 5
        await store.cleanup.condemn_expired()


async def test_nothing_is_found_while_clients_write_and_workers_clean_up(
    store: CheckedStore,
) -> None:
    writers = asyncio.gather(*(live(store, str(number)) for number in range(WRITERS)))
    checks = 0
    while not writers.done() or not checks:
        assert await store.faults() == []
        checks += 1
    await writers
    await store.work_off()
    assert await store.faults() == []
    assert checks > 1


async def test_what_is_on_its_way_is_no_fault(store: CheckedStore) -> None:
    flow_id = await store.flow_with_init()
    await store.allocate(flow_id, "init", "media", "waiting", STRANGE_ID)
    for object_id in ("init", "media", "waiting", STRANGE_ID):
        await store.upload(object_id)
    await store.register(flow_id, "media", 0, init_object_id="init")
    await store.register(flow_id, STRANGE_ID, 1, init_object_id="init")
    await store.instances.add(ANYONE, "media", Instance(COLD.id))
    removed = await store.flow()
    await store.fill(removed, "condemned", "doomed")
    await store.deletions.delete_flow(ANYONE, removed)
    assert await store.faults() == []
    await store.work_off()
    assert await store.faults() == []
    await store.instances.remove(ANYONE, "media", storage_id=HOT.id, label=None)
    assert await store.faults() == []
    store.clock.now += LATER * 10
    await store.work_off()
    assert await store.faults() == []


async def test_bytes_may_come_after_their_registration_until_their_url_ends(
    store: CheckedStore,
) -> None:
    flow_id = await store.flow()
    await store.allocate(flow_id, "late")
    await store.register(flow_id, "late", 0)
    checkup = store.checkup()
    assert [fault async for fault in checkup.faults()] == []
    assert checkup.awaited == 1
    store.clock.now += LATER
    assert len(await store.faults()) == 1


async def test_what_is_removed_between_the_listing_and_the_question_is_no_orphan(
    store: CheckedStore, monkeypatch
) -> None:
    flow_id = await store.flow()
    await store.fill(flow_id, "going")
    hot, told = store.storages[HOT.id], type(store.storages[HOT.id]).list

    async def stale(prefix: str) -> AsyncIterator[list[StoredKey]]:
        pages = [page async for page in told(hot, prefix)]
        await store.deletions.delete_flow(ANYONE, flow_id)
        await store.work_off()
        store.clock.now += LATER
        await store.work_off()
        for page in pages:
            yield page

    monkeypatch.setattr(hot, "list", stale)
    assert await store.faults() == []
    assert not await store.catalogue.read(lambda tx: tx.objects.taken(["going"]))


async def test_a_check_takes_as_few_questions_however_many_objects_there_are(
    store: CheckedStore, monkeypatch
) -> None:
    asked, read = 0, store.catalogue.read

    async def count(work):
        nonlocal asked
        asked += 1
        return await read(work)

    monkeypatch.setattr(store.catalogue, "read", count)
    questions = []
    for ten in range(3):
        await store.fill(await store.flow(), *(f"object-{ten}{each}" for each in range(10)))
        asked = 0
        assert await store.faults(slice_size=1000) == []
        questions.append(asked)
    assert len(set(questions)) == 1
