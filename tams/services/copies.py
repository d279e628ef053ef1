"""Copies of Objects on their way in, and instances on their way out, behind the answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.clock import Clock
from tams.domain.instances import HeldObject, PendingCopy
from tams.domain.jobs import ClaimedJob, Job, JobKind
from tams.domain.objects import Instance
from tams.errors import NotFound, StorageFailed
from tams.services.elsewhere import Elsewhere
from tams.services.queue import LONG_LEASE, Handler, Lease
from tams.storage.base import Storage
from tams.storage.copying import Source, copy, stored
from tams.storage.storages import in_use

ATTEMPTS = 12
"""How often a copy is tried before it is given up, which is after about three hours."""

_log = structlog.get_logger(__name__)


class Copies:
    """Makes and removes copies, one after the other (statements 232, 236 and 239).

    Any number of workers may, and any of them may die. A copy is listed in the transaction that
    follows its last byte and its proof. Until then its place is stored, so that whatever lies there
    is found, and removed if it comes to nothing.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        storages: Mapping[str, Storage],
        elsewhere: Elsewhere,
        clock: Clock,
    ) -> None:
        self._catalogue = catalogue
        self._storages = storages
        self._elsewhere = elsewhere
        self._clock = clock

    @property
    def handlers(self) -> Mapping[JobKind, Handler]:
        """What it does from the queue, without what deletes."""
        return {"copy_object": self._copy}

    @property
    def removals(self) -> Mapping[JobKind, Handler]:
        """What it deletes, from a queue with a prudent clock."""
        return {"remove_copy": self._remove}

    async def _copy(self, job: ClaimedJob) -> None:
        """Copy from the first instance that can be read.

        Raises `StorageFailed` if none can now, and `LeaseLost` as soon as another worker has the
        job: what lies at the target then is the other's.
        """
        lease = Lease(self._catalogue, self._clock, job)
        pending = await self._pending(job)
        if pending is None or pending.object is None:
            await self._end(job, lease, whole=False)
        elif job.attempt > ATTEMPTS:
            where = pending.target.storage_id
            _log.error("a copy is given up", object_id=pending.object.id, storage_id=where)
            await self._end(job, lease, whole=False)
        else:
            await self._transfer(lease, pending.target, pending.object)
            await self._end(job, lease, whole=True)

    async def _remove(self, job: ClaimedJob) -> None:
        """Delete the bytes of a place on its way out; raises `StorageFailed` if that cannot be."""

        async def read(tx: Transaction) -> Instance | None:
            return await tx.instances.outgoing(job.subject)

        instance = await self._catalogue.read(read)
        if instance is not None:
            storage = in_use(self._storages, instance.storage_id)
            await storage.delete(instance.key or "")

        async def forget(tx: Transaction) -> None:
            await tx.instances.forget(job.subject)
            await tx.jobs.finish(job)

        await self._catalogue.write(forget)

    async def _pending(self, job: ClaimedJob) -> PendingCopy | None:
        async def work(tx: Transaction) -> PendingCopy | None:
            return await tx.instances.lock_copy(job.subject)

        return await self._catalogue.write(work)

    async def _transfer(self, lease: Lease, target: Instance, held: HeldObject) -> None:
        storage, key = in_use(self._storages, target.storage_id), target.key or ""
        await lease.hold()
        failures = []
        for instance in held.instances:
            try:
                async with self._open(instance) as source:
                    content_type = held.content_type or source.content_type
                    typed = source._replace(content_type=content_type)
                    await copy(typed, storage, key, lease.hold)
            except (StorageFailed, NotFound) as failure:
                failures.append(f"from {instance.label or instance.storage_id}: {failure}")
            else:
                return
        raise StorageFailed("; ".join(failures))

    @asynccontextmanager
    async def _open(self, instance: Instance) -> AsyncIterator[Source]:
        if instance.url is not None:
            async with self._elsewhere.open(instance.url) as source:
                yield source
        else:
            yield await stored(in_use(self._storages, instance.storage_id), instance.key or "")

    async def _end(self, job: ClaimedJob, lease: Lease, *, whole: bool) -> None:
        """List a copy that is whole, if it is still wanted; else have its bytes removed."""

        async def work(tx: Transaction) -> None:
            await lease.renew(tx)
            pending = await tx.instances.lock_copy(job.subject)
            if pending is not None and pending.object is not None and whole:
                instances = pending.object.joined_by(pending.target)
                await tx.instances.keep(pending.object, instances)
                await tx.instances.forget(job.subject)
            elif pending is not None:
                await tx.instances.turn_out(job.subject)
                # Not at once: a worker whose lease has just ended may be writing its last bytes.
                due = self._clock() + LONG_LEASE
                await tx.jobs.add(Job(kind="remove_copy", subject=job.subject, due=due))
            await tx.jobs.finish(job)

        await self._catalogue.write(work)
