"""Instances: the first controlled one in the Object's own row, the others in rows of their own."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, insert, select, update

from tams.catalogue.promises.instances import Instances
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.objects import SQLObjects
from tams.catalogue.sql.schema import instance, object_, place
from tams.catalogue.sql.statements import Rows
from tams.domain.instances import HeldObject, PendingCopy
from tams.domain.objects import Instance

_LOCK = (
    select(object_.c.pk, object_.c.content_type)
    .where(object_.c.id == bindparam("object_id"))
    .with_for_update()
)
_INCOMING = select(place.c.storage_id).where(
    place.c.object_pk == bindparam("object_pk_"), place.c.incoming == 1
)
_DROP_OTHERS = delete(instance).where(instance.c.object_pk == bindparam("pk_"))
_ADD_OTHERS = Rows.inserted(instance, "object_pk", "position", "storage_id", "key", "url", "label")
_KEEP = (
    update(object_)
    .where(object_.c.pk == bindparam("pk_"))
    .values(storage_id=bindparam("storage_id"), key=bindparam("key"), others=bindparam("others"))
)
_ADD_PLACE = (
    insert(place)
    .values({name: bindparam(name) for name in ("object_pk", "storage_id", "key", "incoming")})
    .returning(place.c.pk)
)
_OBJECT = (
    select(object_.c.id)
    .join(place, place.c.object_pk == object_.c.pk)
    .where(place.c.pk == bindparam("pk_"))
)
_PLACE = select(place.c.storage_id, place.c.key).where(place.c.pk == bindparam("pk_"))
_COMES = _PLACE.where(place.c.incoming == 1)
_GOES = _PLACE.where(place.c.incoming.is_(None))
_TURN_OUT = update(place).where(place.c.pk == bindparam("pk_")).values(incoming=None)
_FORGET = delete(place).where(place.c.pk == bindparam("pk_"))


class SQLInstances(Instances):
    """What an Object's row says of its bytes, and the tables `instance` and `place`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._objects = SQLObjects(connection)

    async def lock(self, object_id: str) -> HeldObject | None:
        # The lock in a statement of its own: the next one then sees what others had changed.
        rows = await self._connection.fetch(_LOCK, {"object_id": object_id})
        found = await self._objects.get(object_id)
        if not rows or found is None:
            return None
        key, content_type = rows[0]
        incoming = await self._connection.fetch(_INCOMING, {"object_pk_": key})
        return HeldObject(
            key, object_id, content_type, found.instances, frozenset(row[0] for row in incoming)
        )

    async def keep(self, held: HeldObject, instances: Sequence[Instance]) -> None:
        own = next((each for each in instances if each.key is not None), Instance())
        others = [each for each in instances if each != own]
        await self._connection.execute(_DROP_OTHERS, {"pk_": held.key})
        await self._connection.hold_rows(
            _ADD_OTHERS, [(held.key, position, *each) for position, each in enumerate(others)]
        )
        row = {"storage_id": own.storage_id, "key": own.key, "others": 1 if others else None}
        await self._connection.execute(_KEEP, {"pk_": held.key, **row})

    async def add_incoming(self, held: HeldObject, target: Instance) -> int:
        return await self._add_place(held, target, incoming=1)

    async def add_outgoing(self, held: HeldObject, instance: Instance) -> int:
        return await self._add_place(held, instance, incoming=None)

    async def lock_copy(self, key: int) -> PendingCopy | None:
        owners = await self._connection.fetch(_OBJECT, {"pk_": key})
        held = await self.lock(owners[0][0]) if owners else None
        rows = await self._connection.fetch(_COMES, {"pk_": key})
        return PendingCopy(Instance(*rows[0]), held) if rows else None

    async def turn_out(self, key: int) -> None:
        await self._connection.execute(_TURN_OUT, {"pk_": key})

    async def outgoing(self, key: int) -> Instance | None:
        rows = await self._connection.fetch(_GOES, {"pk_": key})
        return Instance(*rows[0]) if rows else None

    async def forget(self, key: int) -> None:
        await self._connection.execute(_FORGET, {"pk_": key})

    async def _add_place(self, held: HeldObject, where: Instance, incoming: int | None) -> int:
        row = {"object_pk": held.key, "storage_id": where.storage_id, "key": where.key}
        rows = await self._connection.fetch(_ADD_PLACE, {**row, "incoming": incoming})
        return int(rows[0][0])
