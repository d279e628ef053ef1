"""Deletion requests, a row each, and how many of a Flow's are open, in the row of the Flow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from tams.catalogue.promises.deletions import Deletions
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.error_reports import error_report, report_text
from tams.catalogue.sql.listing import Filters, Listing
from tams.catalogue.sql.moments import microseconds, moment
from tams.catalogue.sql.schema import deletion_request, flow
from tams.catalogue.sql.statements import Among
from tams.domain.deletions import DeletionRequest, DeletionStatus
from tams.domain.pages import Page, PageRequest
from tams.domain.timerange import TimeRange

_columns = deletion_request.c


class RequestRow(NamedTuple):
    """The columns of a request, in the order in which they are read."""

    id: str
    flow_id: str
    flow_pk: int
    ordinal: int
    timerange: str
    remaining: str | None
    object_id: str | None
    delete_flow: int
    status: DeletionStatus
    error: str | None
    created_by: str | None
    created: int
    updated: int
    expiry: int | None

    def request(self) -> DeletionRequest:
        """Return the request."""
        return DeletionRequest(
            id=self.id,
            flow_id=self.flow_id,
            flow_key=self.flow_pk,
            ordinal=self.ordinal,
            timerange=TimeRange.parse(self.timerange),
            remaining=None if self.remaining is None else TimeRange.parse(self.remaining),
            object_id=self.object_id,
            delete_flow=bool(self.delete_flow),
            status=self.status,
            error=error_report(self.error),
            created_by=self.created_by,
            created=moment(self.created),
            updated=moment(self.updated),
            expiry=None if self.expiry is None else moment(self.expiry),
        )


_PROGRESS = ("remaining", "status", "error", "updated", "expiry")
_is_open = Among(_columns.status, "open", ("created", "started"))
_is_here = or_(_columns.expiry.is_(None), _columns.expiry > bindparam("now"))

_ALL = select(*(_columns[name] for name in RequestRow._fields))
_GET = _ALL.where(_columns.id == bindparam("request_id"), _is_here)
_LOCK = _ALL.where(_columns.pk == bindparam("key"), _is_open).with_for_update()
_OPEN_OF = _ALL.where(_columns.flow_pk == bindparam("flow_key"), _is_open).order_by(_columns.pk)
_ADD = (
    insert(deletion_request)
    .values({name: bindparam(name) for name in RequestRow._fields})
    .returning(_columns.pk)
)
_REPLACE = (
    update(deletion_request)
    .values({name: bindparam(name) for name in _PROGRESS})
    .where(_columns.id == bindparam("request_id"))
)
# Counted anew instead of up and down, so that it is right however often a work is run.
_COUNT = (
    update(flow)
    .values(
        deletions=select(func.nullif(func.count(), 0))
        .select_from(deletion_request)
        .where(_columns.flow_pk == bindparam("flow_key"), _is_open, _columns.delete_flow == 0)
        .scalar_subquery()
    )
    .where(flow.c.pk == bindparam("flow_key"))
)
_EXPIRED = (
    select(_columns.pk)
    .where(_columns.expiry <= bindparam("now"))
    .order_by(_columns.expiry)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_DROP = delete(deletion_request).where(Among(_columns.pk, "keys"))

_REQUESTS = Listing(
    table=deletion_request,
    columns=RequestRow._fields,
    make=RequestRow._make,
    dates=("created", "expiry"),
    living=_is_here,
    clauses={},
)


class SQLDeletions(Deletions):
    """Requests until a chore drops them; those that have expired are not seen before that."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, request: DeletionRequest) -> int:
        [(key,)] = await self._connection.fetch(_ADD, _row(request)._asdict())
        if not request.delete_flow:
            await self._connection.execute(_COUNT, {"flow_key": request.flow_key})
        return int(key)

    async def get(self, request_id: str, now: datetime) -> DeletionRequest | None:
        asked = {"request_id": request_id, "now": microseconds(now)}
        rows = await self._connection.fetch(_GET, asked)
        return RequestRow._make(rows[0]).request() if rows else None

    async def list(self, now: datetime, page: PageRequest) -> Page[DeletionRequest]:
        filters = Filters(parameters={"now": microseconds(now)})
        found = await _REQUESTS.page(self._connection, filters, page)
        return Page([row.request() for row in found.items], found.next_key)

    async def count(self, now: datetime) -> int:
        filters = Filters(parameters={"now": microseconds(now)})
        return await _REQUESTS.count(self._connection, filters)

    async def lock(self, key: int) -> DeletionRequest | None:
        rows = await self._connection.fetch(_LOCK, {"key": key})
        return RequestRow._make(rows[0]).request() if rows else None

    async def open_of(self, flow_key: int) -> Sequence[DeletionRequest]:
        rows = await self._connection.fetch(_OPEN_OF, {"flow_key": flow_key})
        return [RequestRow._make(row).request() for row in rows]

    async def replace(self, request: DeletionRequest) -> None:
        values = _row(request)._asdict()
        progress = {name: values[name] for name in _PROGRESS}
        await self._connection.execute(_REPLACE, {**progress, "request_id": request.id})
        if not request.is_open and not request.delete_flow:
            await self._connection.execute(_COUNT, {"flow_key": request.flow_key})

    async def expire(self, now: datetime, limit: int = 10_000) -> int:
        asked = {"now": microseconds(now), "limit": limit}
        rows = await self._connection.fetch(_EXPIRED, asked)
        if rows:
            await self._connection.execute(_DROP, {"keys": [row[0] for row in rows]})
        return len(rows)


def _row(request: DeletionRequest) -> RequestRow:
    expiry = request.expiry
    return RequestRow(
        id=request.id,
        flow_id=request.flow_id,
        flow_pk=request.flow_key,
        ordinal=request.ordinal,
        timerange=str(request.timerange),
        remaining=None if request.remaining is None else str(request.remaining),
        object_id=request.object_id,
        delete_flow=int(request.delete_flow),
        status=request.status,
        error=report_text(request.error),
        created_by=request.created_by,
        created=microseconds(request.created),
        updated=microseconds(request.updated),
        expiry=None if expiry is None else microseconds(expiry),
    )
