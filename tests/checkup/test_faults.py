"""A check finds each fault that was planted, and nothing else; repairs mend what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Sequence

import pytest

from tams.catalogue.base import Transaction
from tams.cli.check import _remedy
from tams.domain.access import ANYONE
from tams.domain.faults import BY_HAND, REPAIRS, Fault, FaultKind
from tams.domain.objects import Instance
from tams.services import inventory
from tams.services.repairs import Repairs
from tams.storage.base import StoredKey
from tams.storage.local import LocalStorage
from tests.checkup.planting import PLANTS, Garden
from tests.checkup.store import LATER, CheckedStore
from tests.services.conftest import HOT, URL_LIFETIME, once
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


async def remove_other(store: CheckedStore) -> None:
    await store.instances.remove(ANYONE, "a", storage_id=COLD.id, label=None)


async def begin_another(store: CheckedStore) -> None:
    async def work(tx: Transaction) -> None:
        held = await tx.instances.lock("a")
        assert held is not None
        await tx.instances.add_incoming(held, Instance(HOT.id, "tams/other.ts"))

    await store.catalogue.write(work)


CHANGES = {"the other is removed": remove_other, "another copy is on its way": begin_another}


@pytest.mark.parametrize("change", CHANGES)
async def test_bytes_that_cannot_be_copied_any_more_stay_a_fault(
    store: CheckedStore, change: str
) -> None:
    """What a repair looked at may change before it locks the Object."""
    await store.fill(await store.flow(), "a")
    await store.copy("a")
    broken = await store.instance("a")
    store.file(broken).unlink()

    class Late(Repairs):
        looks = 0

        async def _source_of(self, fault: Fault) -> Instance | None:
            found = await super()._source_of(fault)
            self.looks += 1
            if self.looks == 2:
                await CHANGES[change](store)
            return found

    store.clock.now += LATER
    [fault] = await store.faults()
    repairs = Late(store.catalogue, store.storages, store.clock, url_lifetime=URL_LIFETIME)
    remedy, done = await _remedy(repairs, fault, yes=True)
    assert not done
    assert remedy.startswith("failed: storage_id: ")


class OneByOne(LocalStorage):
    """Lists a key at a time, in their order."""

    async def list(self, prefix: str) -> AsyncGenerator[Sequence[StoredKey], None]:
        found = [stored async for page in super().list(prefix) for stored in page]
        for stored in sorted(found):
            yield [stored]


@pytest.mark.parametrize("is_ours", [True, False])
async def test_orphans_before_the_first_known_key_are_no_foreign_backend(
    store: CheckedStore, monkeypatch: pytest.MonkeyPatch, is_ours: bool
) -> None:
    monkeypatch.setattr(inventory, "SUSPECTS", 2)
    flow_id = await store.flow()
    if is_ours:
        await store.fill(flow_id, "a", "b")
    hot = store.storages.local[HOT.id]
    keys = {f"tams/1970/01/{name:02}/nobody/orphan.12345678.ts" for name in range(1, 6)}
    keys.add("tams/9999/01/01/nobody/orphan.12345678.ts")
    for key in keys:
        await hot.write(key, "video/mp2t", {}, once(b"media"))
    storage = OneByOne(HOT, hot.root, hot._urls)
    found = await store.faults(storages={HOT.id: storage})
    await storage.close()
    if is_ours:
        assert {(each.kind, each.place) for each in found} == {
            (FaultKind.BYTES_ORPHANED, key) for key in keys
        }
        assert len(found) == len(keys)
    else:
        [fault] = found
        assert fault.kind is FaultKind.BACKEND_FOREIGN
        assert fault.subject.startswith("6 keys, tams/1970/01/01/")


def test_every_kind_says_what_is_done_about_it() -> None:
    assert set(FaultKind) == REPAIRS.keys() | BY_HAND.keys()
