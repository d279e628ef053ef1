"""A check finds each fault that was planted, and nothing else; repairs mend what they say."""

from __future__ import annotations

from collections import Counter

from tams.domain.faults import BY_HAND, REPAIRS, FaultKind
from tests.checkup.planting import PLANTS, Garden
from tests.checkup.store import LATER, CheckedStore
from tests.services.conftest import once
from tests.services.copying import COLD

ONCE = Counter(PLANTS.keys())


async def garden(store: CheckedStore, kind: FaultKind) -> Garden:
    at = Garden(store, kind.value, await store.flow())
    await store.fill(at.flow_id, f"{at.name}-0", f"{at.name}-1")
    return at


async def planted(store: CheckedStore) -> None:
    """One fault of each kind, in a store that has been at peace for long."""
    gardens = {kind: await garden(store, kind) for kind in PLANTS}
    store.clock.now += LATER
    assert await store.faults() == []
    for kind, at in gardens.items():
        await PLANTS[kind](at)


async def kinds(store: CheckedStore) -> Counter[FaultKind]:
    return Counter(fault.kind for fault in await store.faults())


async def test_each_fault_is_found_and_nothing_else(store: CheckedStore) -> None:
    await planted(store)
    found = await store.faults()
    assert Counter(fault.kind for fault in found) == ONCE
    named = {fault.kind: fault for fault in found}
    assert "Object bytes-missing-0" in named[FaultKind.BYTES_MISSING].subject
    assert named[FaultKind.BYTES_DAMAGED].subject == "Object bytes-damaged-0, 3 bytes of 5"
    assert named[FaultKind.BYTES_ORPHANED].place.endswith("nobody/orphan.12345678.ts")
    assert "[1:0_2:0)" in named[FaultKind.SEGMENT_OVERLAP].subject
    assert set(await store.faults(slice_size=1)) == set(found)


async def test_what_can_be_repaired_is_gone_after_it(store: CheckedStore) -> None:
    await planted(store)
    await store.copy("bytes-missing-1")
    store.file(await store.instance("bytes-missing-1")).unlink()
    store.clock.now = store.real_now() + LATER  # orphans are as old as their files
    left: Counter[FaultKind] = Counter()
    for fault in await store.faults():
        if not await store.repairs().repair(fault):
            left[fault.kind] += 1
    by_hand = {kind for kind in PLANTS if kind not in REPAIRS}
    assert set(left) == by_hand | {FaultKind.BYTES_MISSING, FaultKind.BYTES_DAMAGED}
    assert left.total() == len(left)
    assert set(left) <= BY_HAND.keys()
    await store.work_off()
    assert await kinds(store) == left
    assert (await store.instance("bytes-missing-1", COLD.id)).key
    assert store.file(await store.instance("bytes-missing-1")).read_bytes() == b"media"


async def test_orphans_stay_while_a_url_could_still_write_them(store: CheckedStore) -> None:
    at = await garden(store, FaultKind.BYTES_ORPHANED)
    await PLANTS[FaultKind.BYTES_ORPHANED](at)
    store.clock.now = store.real_now()
    [fault] = await store.faults()
    assert not await store.repairs().repair(fault)
    store.clock.now += LATER
    assert await store.repairs().repair(fault)
    assert await store.faults() == []


async def test_bytes_of_another_catalogue_are_no_orphans(store: CheckedStore) -> None:
    for name in "ab":
        key = f"tams/2026/03/01/theirs/{name}.12345678.ts"
        await store.storages[COLD.id].write(key, "video/mp2t", {}, once(b"theirs"))
    [fault] = await store.faults()
    assert (fault.kind, fault.storage_id) == (FaultKind.BACKEND_FOREIGN, COLD.id)
    assert fault.subject.startswith("2 keys, tams/2026/03/01/theirs/")
    assert not await store.repairs().repair(fault)


async def test_a_repair_leaves_what_has_mended_itself(store: CheckedStore) -> None:
    at = await garden(store, FaultKind.FLOW_DELETIONS)
    await PLANTS[FaultKind.FLOW_DELETIONS](at)
    [fault] = await store.faults()
    assert await store.repairs().repair(fault)
    assert not await store.repairs().repair(fault)


def test_every_kind_says_what_is_done_about_it() -> None:
    assert set(FaultKind) == REPAIRS.keys() | BY_HAND.keys()
