"""Allocating Objects for a Flow, and the URLs at which their bytes are written."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.access import Principal
from tams.domain.clock import Clock
from tams.domain.flows import LockedFlow
from tams.domain.objects import NewObject, new_object_ids, object_folder, object_key
from tams.domain.storage import Allocation, StorageRequest
from tams.errors import Invalid
from tams.services.locking import container_of, lock_writable
from tams.storage.base import Storage

GRACE = timedelta(seconds=60)
"""How much longer than advertised an allocated Object is kept (statement 9)."""


class StorageAllocation:
    """Allocates storage (TAMS 8.2 `/flows/{flowId}/storage`).

    `default` and `maximum` are numbers of Objects per request; unless it is registered, an Object
    is kept for `object_timeout`.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        storages: Mapping[str, Storage],
        clock: Clock,
        *,
        default: int,
        maximum: int,
        object_timeout: timedelta,
    ) -> None:
        self._catalogue = catalogue
        self._storages = storages
        self._clock = clock
        self._default = default
        self._maximum = maximum
        self.lifetime = object_timeout + GRACE
        """How long an Object is kept that is not registered."""

    async def allocate(
        self, who: Principal, base_url: str, flow_id: str, request: StorageRequest
    ) -> Sequence[Allocation]:
        """Allocate all the Objects of a request, or none.

        `base_url` is where the caller reached this server.

        Raises `NotFound`, `FlowReadOnly`, and `Invalid` for an id that is taken, an unknown
        Storage Backend, a Flow without container, and unsigned URLs.
        """
        del who
        if request.presigned is False:
            raise Invalid("presigned", False, "this store gives presigned URLs only")  # noqa: FBT003 (the value)
        storage = self.storage(request.storage_id)
        ids = self._ids(request)
        mark = secrets.token_hex(4)

        async def work(tx: Transaction) -> Sequence[NewObject]:
            flow = await lock_writable(tx, flow_id)
            container = container_of(flow)
            content_type = request.content_type or container
            return await self.reserve(tx, flow, storage, ids, content_type, mark)

        objects = await self._catalogue.write(work)
        return [
            Allocation(new.id, storage.sign_put(base_url, new.key, new.content_type))
            for new in objects
        ]

    async def reserve(
        self,
        tx: Transaction,
        flow: LockedFlow,
        storage: Storage,
        ids: Sequence[str],
        content_type: str,
        mark: str,
    ) -> Sequence[NewObject]:
        """Within a work: allocate Objects of a locked Flow; raises `Invalid` for a taken id.

        `mark` is new for each allocation.
        """
        await _check_free(tx, ids)
        now = self._clock()
        folder = object_folder(now.date(), flow.id)
        objects = [
            NewObject(
                id=object_id,
                storage_id=storage.backend.id,
                key=object_key(folder, object_id, mark, content_type),
                content_type=content_type,
            )
            for object_id in ids
        ]
        await tx.objects.allocate(flow, objects, now, now + self.lifetime)
        return objects

    def storage(self, storage_id: str | None) -> Storage:
        """The Storage of that backend, or of the default one; raises `Invalid`."""
        if storage_id is not None:
            if storage_id not in self._storages:
                raise Invalid("storage_id", storage_id, "it must be listed by Storage Backends")
            return self._storages[storage_id]
        for storage in self._storages.values():
            if storage.backend.default_storage:
                return storage
        raise Invalid("storage_id", None, "it is required, since no Storage Backend is the default")

    def _ids(self, request: StorageRequest) -> Sequence[str]:
        if request.object_ids is None:
            number = min(request.limit or self._default, self._maximum)
            return new_object_ids(number, self._clock())
        if len(request.object_ids) > self._maximum:
            rule = f"it may hold at most {self._maximum} ids"
            raise Invalid("object_ids", len(request.object_ids), rule)
        return request.object_ids


async def _check_free(tx: Transaction, ids: Sequence[str]) -> None:
    taken = await tx.objects.taken(ids)
    if taken:
        shown = next(object_id for object_id in ids if object_id in taken)
        raise Invalid("object_ids", shown, "it must hold new ids, and this one already exists")
