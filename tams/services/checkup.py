"""The catalogue against itself, and against what lies in the storages."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

from tams.catalogue.base import Catalogue, Transaction
from tams.catalogue.promises.inspection import NOUNS, Slice
from tams.domain.clock import Clock
from tams.domain.faults import Fault, FaultKind
from tams.domain.progress import Tell
from tams.services.inventory import Inventory
from tams.services.slices import SLICE, Slices
from tams.storage.base import Storage


class Checkup:
    """Looks at a store that goes on, and tells what is wrong with it, as it is found.

    A fault that the catalogue has by itself was there twice, each time in one snapshot; what the
    storages miss, or have too much, was asked for again. Memory grows by a bit for each Object and
    Storage Backend. Media may be registered before they are uploaded: bytes are missed once the
    last URL that could write them is over, `url_lifetime` after their registration.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        storages: Mapping[str, Storage],
        clock: Clock,
        *,
        url_lifetime: timedelta,
        tell: Tell = lambda _thing, _done: None,
        slice_size: int = SLICE,
    ) -> None:
        self._catalogue = catalogue
        self._storages = storages
        self._slices = Slices(catalogue, slice_size, tell)
        self._inventory = Inventory(
            catalogue, storages, clock, url_lifetime=url_lifetime, slices=self._slices
        )

    @property
    def awaited(self) -> int:
        """Of how many instances the bytes are not there yet, and may still be on their way."""
        return self._inventory.awaited

    async def faults(self) -> AsyncIterator[Fault]:
        """All that is wrong; raises `StorageFailed` if a storage cannot be asked."""
        for noun in NOUNS:
            async for part in self._slices.of(noun):
                for fault in await self._twice(part):
                    yield fault
        async for fault in self._unknown_backends():
            yield fault
        async for fault in self._inventory.faults():
            yield fault

    async def _twice(self, part: Slice) -> Sequence[Fault]:
        async def read(tx: Transaction) -> Sequence[Fault]:
            return await tx.inspection.faults(part)

        found = await self._catalogue.read(read)
        again = set(await self._catalogue.read(read)) if found else set()
        return [fault for fault in found if fault in again]

    async def _unknown_backends(self) -> AsyncIterator[Fault]:
        """One fault for each Storage Backend, however much lies there."""
        used: Counter[str] = Counter()
        async for part in self._slices.of("Objects"):
            used.update(await self._backends(part))
        for storage_id, number in used.items():
            if storage_id in self._storages:
                continue
            subject = f"Storage Backend {storage_id}, where {number} instances lie"
            yield Fault(FaultKind.BACKEND_UNKNOWN, (0, 0), subject, storage_id)

    async def _backends(self, part: Slice) -> Mapping[str, int]:
        async def read(tx: Transaction) -> Mapping[str, int]:
            return await tx.inspection.backends(part)

        return await self._catalogue.read(read)
