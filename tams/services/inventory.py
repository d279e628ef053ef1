"""What lies in the storages, against what the catalogue says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import timedelta
from itertools import groupby

from tams.catalogue.base import Catalogue, Transaction
from tams.catalogue.promises.inspection import START, Holder, Slice
from tams.domain.clock import Clock
from tams.domain.faults import Fault, FaultKind
from tams.domain.objects import KEYS_BEGIN, named_in_key
from tams.services.marks import Marks
from tams.services.questions import ask_each
from tams.services.slices import Slices
from tams.storage.base import Storage, StoredKey, StoredObject, is_whole

SUSPECTS = 100_000
"""How many keys without a known owner are held until all Objects are asked for them."""

Stored = Mapping[str, StoredObject]
"""What lies in a storage, by key."""


class Inventory:
    """First goes through the keys of each storage, then through the instances of all Objects.

    The row of an Object is there before its bytes are, and until they are gone, so the owner of a
    key that was listed is found, if it has one, by whoever asks afterwards. Most keys name their
    Object, which is found by its id; for the others the Objects are read through. A storage of
    which no key is known is rather that of another catalogue than full of orphans.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        storages: Mapping[str, Storage],
        clock: Clock,
        *,
        url_lifetime: timedelta,
        slices: Slices,
    ) -> None:
        self._catalogue = catalogue
        self._storages = storages
        self._clock = clock
        self._url_lifetime = url_lifetime
        self._slices = slices
        self._whole: dict[str, Marks] = defaultdict(Marks)
        self._known: set[str] = set()
        self.awaited = 0

    async def faults(self) -> AsyncIterator[Fault]:
        """Orphans, and what is missing or damaged; raises `StorageFailed`."""
        for storage in self._storages.values():
            async for fault in self._orphans(storage):
                yield fault
        async for part in self._slices.of("Objects"):
            for fault in await self._missing(part):
                yield fault

    async def _orphans(self, storage: Storage) -> AsyncIterator[Fault]:
        """Keys of nobody, which in a storage without any that is known are told as one fault.

        Where the first known one comes after others, all are gone through once more.
        """
        storage_id = storage.backend.id
        strangers, first = 0, ""
        async with aclosing(self._ownerless(storage)) as parts:
            async for left in parts:
                if storage_id not in self._known:
                    strangers, first = strangers + len(left), first or next(iter(left), "")
                    continue
                if strangers:
                    break
                for fault in _orphaned(storage_id, left):
                    yield fault
        if not strangers:
            return
        if storage_id not in self._known:
            subject = f"{strangers} keys, {first} among them, and none that is known"
            yield Fault(FaultKind.BACKEND_FOREIGN, (0, 0), subject, storage_id)
            return
        async with aclosing(self._ownerless(storage)) as parts:
            async for left in parts:
                for fault in _orphaned(storage_id, left):
                    yield fault

    async def _ownerless(self, storage: Storage) -> AsyncGenerator[Stored, None]:
        """The keys that have no owner, and are still there, some at a time."""
        suspects: dict[str, StoredKey] = {}
        thing, done = f"keys in {storage.backend.label or storage.backend.id}", 0
        async with aclosing(storage.list(KEYS_BEGIN)) as pages:
            async for page in pages:
                suspects |= await self._unowned(storage.backend.id, page)
                if len(suspects) >= SUSPECTS:
                    yield await self._judge(storage, suspects)
                    suspects = {}
                done += len(page)
                self._slices.tell(thing, done)
        yield await self._judge(storage, suspects)

    async def _unowned(self, storage_id: str, page: Sequence[StoredKey]) -> dict[str, StoredKey]:
        """Those of the keys whose owner is not the Object that they name."""
        listed = {stored.key: stored for stored in page}
        named = {named_in_key(key) for key in listed}

        async def read(tx: Transaction) -> Sequence[Holder]:
            return await tx.inspection.holders(named)

        self._own(storage_id, listed, await self._catalogue.read(read))
        return listed

    def _own(
        self, storage_id: str, listed: dict[str, StoredKey], holders: Iterable[Holder]
    ) -> None:
        """Take those keys out that have an owner, and note which instances are whole."""
        for holder in holders:
            if holder.storage_id != storage_id:
                continue
            stored = listed.pop(holder.place, None)
            if stored is not None:
                self._known.add(storage_id)
            if stored is not None and holder.is_listed and is_whole(stored):
                self._whole[storage_id].add(holder.key)

    async def _judge(self, storage: Storage, suspects: dict[str, StoredKey]) -> Stored:
        storage_id = storage.backend.id
        if not suspects:
            return {}
        end = START
        async for part in self._slices.of("Objects"):
            await self._acquit(part, storage_id, suspects)
            end = part.upto
        # A place may belong to an Object whose row is gone, and which was the last one.
        await self._acquit(Slice("Objects", end, (2**63 - 1, 0), 0), storage_id, suspects)
        keys = list(suspects)
        found = await ask_each(storage.head, keys)
        return {key: stored for key, stored in zip(keys, found, strict=True) if stored is not None}

    async def _acquit(self, part: Slice, storage_id: str, suspects: dict[str, StoredKey]) -> None:
        async def read(tx: Transaction) -> Sequence[Holder]:
            return await tx.inspection.holding(part, storage_id, suspects)

        self._own(storage_id, suspects, await self._catalogue.read(read))

    async def _missing(self, part: Slice) -> Sequence[Fault]:
        async def read(tx: Transaction) -> Sequence[Holder]:
            return await tx.inspection.instances(part)

        doubtful = []
        for _, group in groupby(await self._catalogue.read(read), key=lambda each: each.key):
            here = [each for each in group if each.storage_id in self._storages]
            unseen = [each for each in here if each.key not in self._whole[each.storage_id]]
            if unseen or len(here) > 1:
                doubtful.append(here)
        return [fault for faults in await ask_each(self._examine, doubtful) for fault in faults]

    async def _examine(self, instances: Sequence[Holder]) -> Sequence[Fault]:
        """Ask for the bytes of an Object, each instance of which should be the same."""
        found, sizes = [], set()
        for holder in instances:
            stored = await self._storages[holder.storage_id].head(holder.place)
            if stored is not None and is_whole(stored):
                sizes.add(stored.size)
            elif await self._is_needed(holder):
                found.append(_fault(holder, stored))
            else:
                self.awaited += stored is None
        if len(sizes) > 1:
            subject = f"Object {instances[0].object_id}, of {sorted(sizes)} bytes"
            found.append(Fault(FaultKind.BYTES_DIFFER, (instances[0].key, 0), subject))
        return found

    async def _is_needed(self, holder: Holder) -> bool:
        async def read(tx: Transaction) -> bool:
            before = self._clock() - self._url_lifetime
            return await tx.inspection.is_needed(holder, before)

        return await self._catalogue.read(read)


def _orphaned(storage_id: str, left: Stored) -> Iterator[Fault]:
    for key, stored in left.items():
        yield Fault(FaultKind.BYTES_ORPHANED, (0, 0), f"{stored.size} bytes", storage_id, key)


def _fault(holder: Holder, stored: StoredObject | None) -> Fault:
    kind = FaultKind.BYTES_MISSING if stored is None else FaultKind.BYTES_DAMAGED
    known = "" if stored is None else f", {stored.size} bytes of {stored.written}"
    subject = f"Object {holder.object_id}{known}"
    return Fault(kind, (holder.key, 0), subject, *holder[2:4], holder.object_id)
