"""Records of deletions, a row each; what they keep is found by the key of that row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import bindparam, insert, literal_column, select, true, update
from typing_extensions import TypedDict

from tams.catalogue.promises.deletion_records import DeletionRecords, Kept
from tams.catalogue.sql.connection import Connection, Row
from tams.catalogue.sql.listing import Filters, Listing
from tams.catalogue.sql.moments import microseconds, moment
from tams.catalogue.sql.schema import flow
from tams.catalogue.sql.trash_schema import deletion_record, trashed_source
from tams.domain.flows import LockedFlow
from tams.domain.pages import Page, PageRequest
from tams.domain.timerange import TimeRange
from tams.domain.trash import Affected, Count, DeletedKind, DeletionRecord, RecordState

_columns = deletion_record.c


class Document(TypedDict, total=False):
    """What went along; what is not there is absent."""

    flow_ids: list[str]
    source_id: str
    segments: int
    more_segments: bool
    timerange: str
    object_id: str


class RecordRow(NamedTuple):
    """The columns of a record, in the order in which they are read."""

    id: str
    kind: DeletedKind
    entity_id: str
    created: int
    deleted_by: str
    principal: str | None
    soft: int
    cascade: int
    state: RecordState
    settled: int | None
    document: str

    def record(self) -> DeletionRecord:
        """Return the record."""
        told = _documents().validate_json(self.document)
        timerange = told.get("timerange")
        return DeletionRecord(
            id=self.id,
            kind=self.kind,
            entity_id=self.entity_id,
            deleted_at=moment(self.created),
            deleted_by=self.deleted_by,
            principal=self.principal,
            soft=bool(self.soft),
            cascade=bool(self.cascade),
            state=self.state,
            settled=None if self.settled is None else moment(self.settled),
            affected=Affected(
                flow_ids=tuple(told.get("flow_ids", ())),
                source_id=told.get("source_id"),
                segments=Count(told.get("segments", 0), told.get("more_segments", False)),
                timerange=None if timerange is None else TimeRange.parse(timerange),
                object_id=told.get("object_id"),
            ),
        )


ALL = [_columns[name] for name in RecordRow._fields]
_ADD = (
    insert(deletion_record)
    .values({name: bindparam(name) for name in RecordRow._fields})
    .returning(_columns.pk)
)
# A literal, so that the indexes of what is restorable serve.
_is_restorable = _columns.state == literal_column("'restorable'")
_LOCK = (
    select(_columns.pk, *ALL)
    .where(
        _columns.entity_id == bindparam("entity_id"),
        _columns.kind == bindparam("kind"),
        _is_restorable,
    )
    .order_by(_columns.pk.desc())
    .limit(1)
    .with_for_update()
)
_LOCK_SEGMENTS = (
    select(_columns.pk, *ALL)
    .join(flow, flow.c.kept_by == _columns.pk)
    .where(flow.c.grave_of == bindparam("flow_key"), flow.c.kept_by.is_not(None), _is_restorable)
    .order_by(_columns.pk.desc())
    .limit(1)
    .with_for_update(of=deletion_record)
)
_DESCRIBE = (
    update(deletion_record)
    .where(_columns.pk == bindparam("key"))
    .values(document=bindparam("told"))
)
_LOCK_OLDEST = (
    select(_columns.pk, *ALL)
    .where(_is_restorable, _columns.created < bindparam("before"))
    .order_by(_columns.created)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_SETTLE = (
    update(deletion_record)
    .where(_columns.pk == bindparam("key"))
    .values(state=bindparam("new_state"), settled=bindparam("at"))
)
_HOLDER_OF_FLOW = (
    select(*ALL)
    .join(flow, flow.c.kept_by == _columns.pk)
    .where(
        flow.c.id == bindparam("entity_id"), flow.c.kept_by.is_not(None), flow.c.grave_of.is_(None)
    )
    .order_by(_columns.pk.desc())
    .limit(1)
)
_HOLDER_OF_SOURCE = (
    select(*ALL)
    .join(trashed_source, trashed_source.c.deletion_pk == _columns.pk)
    .where(trashed_source.c.id == bindparam("entity_id"))
    .order_by(_columns.pk.desc())
    .limit(1)
)
_RECORDS = Listing(
    table=deletion_record,
    columns=RecordRow._fields,
    make=RecordRow._make,
    dates=("created",),
    living=true(),
    clauses={},
)


class SQLDeletionRecords(DeletionRecords):
    """Rows that are inserted once, and settled once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, record: DeletionRecord) -> int:
        [(key,)] = await self._connection.fetch(_ADD, _row(record)._asdict())
        return int(key)

    async def describe(self, key: int, affected: Affected) -> None:
        await self._connection.execute(_DESCRIBE, {"key": key, "told": _document(affected)})

    async def list(self, page: PageRequest) -> Page[DeletionRecord]:
        found = await _RECORDS.page(self._connection, Filters(), page)
        return Page([row.record() for row in found.items], found.next_key)

    async def lock(self, kind: DeletedKind, entity_id: str) -> Kept | None:
        asked = {"kind": kind, "entity_id": entity_id}
        return _kept(await self._connection.fetch(_LOCK, asked))

    async def lock_segments(self, flow: LockedFlow) -> Kept | None:
        return _kept(await self._connection.fetch(_LOCK_SEGMENTS, {"flow_key": flow.key}))

    async def lock_oldest(self, before: datetime) -> Kept | None:
        asked = {"before": microseconds(before)}
        return _kept(await self._connection.fetch(_LOCK_OLDEST, asked))

    async def settle(self, kept: Kept, state: RecordState, at: datetime) -> None:
        values = {"key": kept.key, "new_state": state, "at": microseconds(at)}
        await self._connection.execute(_SETTLE, values)

    async def holder(self, kind: DeletedKind, entity_id: str) -> DeletionRecord | None:
        statement = _HOLDER_OF_SOURCE if kind == "source" else _HOLDER_OF_FLOW
        rows = await self._connection.fetch(statement, {"entity_id": entity_id})
        return RecordRow._make(rows[0]).record() if rows else None


def _kept(rows: Sequence[Row]) -> Kept | None:
    if not rows:
        return None
    [(key, *row)] = rows
    return Kept(key, RecordRow._make(row).record())


def _row(record: DeletionRecord) -> RecordRow:
    return RecordRow(
        id=record.id,
        kind=record.kind,
        entity_id=record.entity_id,
        created=microseconds(record.deleted_at),
        deleted_by=record.deleted_by,
        principal=record.principal,
        soft=int(record.soft),
        cascade=int(record.cascade),
        state=record.state,
        settled=None if record.settled is None else microseconds(record.settled),
        document=_document(record.affected),
    )


def _document(affected: Affected) -> str:
    told = Document(segments=affected.segments.number, more_segments=affected.segments.more)
    if affected.flow_ids:
        told["flow_ids"] = list(affected.flow_ids)
    if affected.source_id is not None:
        told["source_id"] = affected.source_id
    if affected.timerange is not None:
        told["timerange"] = str(affected.timerange)
    if affected.object_id is not None:
        told["object_id"] = affected.object_id
    return _documents().dump_json(told).decode()


@cache
def _documents() -> TypeAdapter[Document]:
    return TypeAdapter(Document)
