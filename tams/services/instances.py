"""What clients may do with the instances of an Object."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.access import Principal
from tams.domain.clock import Clock
from tams.domain.instances import HeldObject
from tams.domain.jobs import Job
from tams.domain.objects import Instance, copy_key
from tams.errors import Invalid, NotFound
from tams.storage.base import Storage


class Instances:
    """Adds and removes instances (TAMS 8.2 `/objects/{objectId}/instances`).

    Neither a Flow's `read_only` nor the Object's initialisation Object has a part in it (statements
    237 and 242). `url_lifetime` is how long a URL that was given out may work: the bytes of an
    instance that is removed stay until then.
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
        self._labels = {key: storage.backend.label for key, storage in storages.items()}
        self._clock = clock
        self._url_lifetime = url_lifetime

    async def add(self, who: Principal, object_id: str, asked: Instance) -> None:
        """Have an Object copied to a Storage Backend, or list a URL with a label at once.

        A copy is listed once it is whole. Raises `NotFound`, and `Invalid` if there is no such
        backend, if it has an instance already or soon, or if the label is taken.
        """
        del who
        if asked.storage_id is not None:
            await self._copy(object_id, asked.storage_id)
        else:
            await self._link(object_id, asked)

    async def _copy(self, object_id: str, storage_id: str) -> None:
        if storage_id not in self._labels:
            raise Invalid("storage_id", storage_id, "it must be listed by Storage Backends")
        mark = secrets.token_hex(4)

        async def work(tx: Transaction) -> None:
            held = await _lock(tx, object_id)
            held.check_copy(storage_id)
            now = self._clock()
            key = copy_key(now.date(), held.id, mark, held.content_type)
            place = await tx.instances.add_incoming(held, Instance(storage_id, key))
            await tx.jobs.add(Job(kind="copy_object", subject=place, due=now))

        await self._catalogue.write(work)

    async def _link(self, object_id: str, instance: Instance) -> None:
        async def work(tx: Transaction) -> None:
            held = await _lock(tx, object_id)
            held.check_label(instance.label, self._labels.values())
            await tx.instances.keep(held, held.joined_by(instance))

        await self._catalogue.write(work)

    async def remove(
        self, who: Principal, object_id: str, *, storage_id: str | None, label: str | None
    ) -> None:
        """Stop listing the instance in a Storage Backend, or the one with a label.

        Its bytes follow if they are ours. Raises `Invalid` unless exactly one is given, or if it is
        the last instance, and `NotFound`.
        """
        del who
        if (storage_id is None) == (label is None):
            rule = "one of storage_id and label must say which instance, and not both"
            raise Invalid("storage_id", storage_id, rule)

        async def work(tx: Transaction) -> None:
            held = await _lock(tx, object_id)
            instance = held.find(storage_id, label, self._labels)
            await tx.instances.keep(held, held.without(instance))
            if instance.key is not None:
                place = await tx.instances.add_outgoing(held, instance)
                due = self._clock() + self._url_lifetime
                await tx.jobs.add(Job(kind="remove_copy", subject=place, due=due))

        await self._catalogue.write(work)


async def _lock(tx: Transaction, object_id: str) -> HeldObject:
    held = await tx.instances.lock(object_id)
    if held is None:
        raise NotFound("Object", object_id)
    return held
