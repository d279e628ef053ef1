"""Reserved ids of Objects, in a table of their own: no registration and no allocation reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, bindparam, delete, exists, or_, select

from tams.catalogue.promises.reservations import Reservations
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.creation_schema import reserved_object
from tams.catalogue.sql.moments import microseconds, moment
from tams.catalogue.sql.schema import object_
from tams.catalogue.sql.statements import Among, Rows
from tams.domain.objects import ReservedObject


def has_been_used() -> ColumnElement[bool]:
    """Whether a Segment has named the Object, be it as what initialises another."""
    return or_(object_.c.start_ns.is_not(None), object_.c.is_init == 1)


_columns = reserved_object.c
_UNUSED = (
    _columns.id == bindparam("object_id"),
    ~exists().where(object_.c.id == _columns.id, has_been_used()),
)
_ADD = Rows.inserted(reserved_object, "id", "size", "created_by", "created")
_GET = select(_columns.id, _columns.size, _columns.created_by, _columns.created).where(*_UNUSED)
_TAKEN = select(_columns.id).where(Among(_columns.id, "ids"))
_REMOVE = delete(reserved_object).where(*_UNUSED).returning(_columns.pk)


class SQLReservations(Reservations):
    """A row for each, which outlives an allocation and goes with an Object that was used."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, reserved: Sequence[ReservedObject]) -> None:
        await self._connection.hold_rows(
            _ADD,
            [(one.id, one.size, one.created_by, microseconds(one.created)) for one in reserved],
        )

    async def get(self, object_id: str) -> ReservedObject | None:
        rows = await self._connection.fetch(_GET, {"object_id": object_id})
        if not rows:
            return None
        [(_, size, created_by, created)] = rows
        return ReservedObject(
            id=object_id, size=size, created_by=created_by, created=moment(created)
        )

    async def taken(self, object_ids: Iterable[str]) -> frozenset[str]:
        rows = await self._connection.fetch(_TAKEN, {"ids": list(object_ids)})
        return frozenset(row[0] for row in rows)

    async def remove(self, object_id: str) -> bool:
        return bool(await self._connection.fetch(_REMOVE, {"object_id": object_id}))
