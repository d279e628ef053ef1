"""Which Objects are to be asked for their sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, or_, select, update

from tams.catalogue.promises.measuring import Measuring, Unmeasured
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.moments import microseconds
from tams.catalogue.sql.schema import log, object_
from tams.catalogue.sql.statements import Among

_DONE = func.coalesce(log.c.measured, 0)
_CLAIM = (
    update(log)
    .where(
        log.c.published > _DONE,
        or_(log.c.measuring_until.is_(None), log.c.measuring_until <= bindparam("now")),
    )
    .values(measuring_until=bindparam("until"))
    .returning(_DONE)
)
# Whoever lost the lease may come later, and is not to bring it back.
_ADVANCE = (
    update(log)
    .where(bindparam("number") >= _DONE)
    .values(measured=bindparam("number"), measuring_until=None)
)
_UNMEASURED = select(object_.c.pk, object_.c.id, object_.c.storage_id, object_.c.key).where(
    object_.c.size.is_(None), object_.c.key.is_not(None), object_.c.removable_at.is_(None)
)
_BY_ID = _UNMEASURED.where(Among(object_.c.id, "ids"))
_BY_KEY = _UNMEASURED.where(Among(object_.c.pk, "keys"))


class SQLMeasuring(Measuring):
    """A place in the log, and a lease, in the log's own row."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(self, now: datetime, lease_until: datetime) -> int | None:
        times = {"now": microseconds(now), "until": microseconds(lease_until)}
        rows = await self._connection.fetch(_CLAIM, times)
        return int(rows[0][0]) if rows else None

    async def advance(self, number: int) -> None:
        await self._connection.execute(_ADVANCE, {"number": number})

    async def by_id(self, object_ids: Iterable[str]) -> Sequence[Unmeasured]:
        rows = await self._connection.fetch(_BY_ID, {"ids": list(object_ids)})
        return [Unmeasured._make(row) for row in rows]

    async def by_key(self, keys: Iterable[int]) -> Sequence[Unmeasured]:
        rows = await self._connection.fetch(_BY_KEY, {"keys": list(keys)})
        return [Unmeasured._make(row) for row in rows]
