"""How often Objects are read: counted in memory, and written down some at a time."""

from __future__ import annotations

from itertools import islice

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.clock import Clock
from tams.domain.objects import Access

AT_ONCE = 200
"""How many Objects are written down together: their Flows are locked meanwhile."""
MOST = 100_000
"""How many Objects are remembered while the catalogue is away; reads of further ones are lost."""


class Accesses:
    """Counts reads, of which none costs a write.

    A process that is killed loses what it has counted since the last `flush`.
    """

    def __init__(self, catalogue: Catalogue, clock: Clock) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._counted: dict[str, Access] = {}

    def note(self, object_id: str) -> None:
        """An Object is read now."""
        known = self._counted.get(object_id)
        if known is not None or len(self._counted) < MOST:
            self._counted[object_id] = Access(known.number + 1 if known else 1, self._clock())

    async def flush(self) -> bool:
        """Write some of it down; False if there is nothing."""
        some = dict(islice(self._counted.items(), AT_ONCE))
        if not some:
            return False

        async def work(tx: Transaction) -> None:
            await tx.objects.read(some)

        await self._catalogue.write(work)
        for object_id, written in some.items():
            self._forget(object_id, written)
        return True

    def _forget(self, object_id: str, written: Access) -> None:
        number, last = self._counted[object_id]
        if number > written.number:
            self._counted[object_id] = Access(number - written.number, last)
        else:
            del self._counted[object_id]
