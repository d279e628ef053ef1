"""Mends what a check has found, where there is one right way to do it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.clock import Clock
from tams.domain.faults import REPAIRS, Fault, FaultKind
from tams.domain.instances import HeldObject
from tams.domain.jobs import Job
from tams.domain.objects import Instance, copy_key
from tams.storage.base import Storage, is_whole

_BYTES = (FaultKind.BYTES_MISSING, FaultKind.BYTES_DAMAGED)


class Repairs:
    """Repairs one fault at a time, each in one transaction, in which it is looked for once more.

    What is deleted because nobody refers to it stays for `url_lifetime`; bytes that nobody knows
    are deleted once they are older than that.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        storages: Mapping[str, Storage],
        clock: Clock,
        *,
        url_lifetime: timedelta,
    ) -> None:
        self._catalogue = catalogue
        self._storages = storages
        self._clock = clock
        self._url_lifetime = url_lifetime

    async def can(self, fault: Fault) -> bool:
        """Whether there is a repair for it; raises `StorageFailed`."""
        if fault.kind is FaultKind.BYTES_ORPHANED:
            return await self._is_old(fault)
        if fault.kind in _BYTES:
            return await self._source_of(fault) is not None
        return fault.kind in REPAIRS

    async def repair(self, fault: Fault) -> bool:
        """Repair it; False if it cannot be, or is no fault any more.

        Raises `StorageFailed`, and `Invalid` where the Object has changed so that it stays one.
        """
        if not await self.can(fault):
            return False
        if fault.kind is FaultKind.BYTES_ORPHANED:
            await self._storages[fault.storage_id or ""].delete(fault.place or "")
            return True
        if fault.kind in _BYTES:
            return await self._copy_again(fault)

        async def work(tx: Transaction) -> bool:
            now = self._clock()
            return await tx.inspection.mend(fault, now, now + self._url_lifetime)

        return await self._catalogue.write(work)

    async def _is_old(self, fault: Fault) -> bool:
        stored = await self._storages[fault.storage_id or ""].head(fault.place or "")
        return stored is not None and stored.modified < self._clock() - self._url_lifetime

    async def _source_of(self, fault: Fault) -> Instance | None:
        """An instance of the same Object whose bytes are whole."""

        async def work(tx: Transaction) -> HeldObject | None:
            return await tx.instances.lock(fault.object_id or "")

        held = await self._catalogue.write(work)
        for instance in () if held is None else held.instances:
            storage = self._storages.get(instance.storage_id or "")
            if storage is None or (instance.storage_id, instance.key) == fault.at:
                continue
            stored = await storage.head(instance.key or "")
            if stored is not None and is_whole(stored):
                return instance
        return None

    async def _copy_again(self, fault: Fault) -> bool:
        """List the instance no longer, and have its Object copied to that Storage Backend anew."""
        broken = Instance(*fault.at)
        mark = secrets.token_hex(4)

        async def work(tx: Transaction) -> bool:
            held = await tx.instances.lock(fault.object_id or "")
            if held is None or broken not in held.instances:
                return False
            rest = held._replace(instances=held.without(broken))
            rest.check_copy(broken.storage_id or "")
            now = self._clock()
            await tx.instances.keep(held, rest.instances)
            left = await tx.instances.add_outgoing(held, broken)
            await tx.jobs.add(Job(kind="remove_copy", subject=left, due=now + self._url_lifetime))
            key = copy_key(now.date(), held.id, mark, held.content_type)
            target = Instance(broken.storage_id, key)
            place = await tx.instances.add_incoming(held, target)
            await tx.jobs.add(Job(kind="copy_object", subject=place, due=now))
            return True

        return await self._catalogue.write(work)
