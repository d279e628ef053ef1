"""What deletions keep: rows of `flow` that are gone and not let go, Sources as documents.

Segments of a living Flow are kept under a row of `flow` of their own, the grave.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select, update

from tams.catalogue.promises.segments import MAX_SEGMENTS, Deleted
from tams.catalogue.promises.trash import KeptFlow, Trash
from tams.catalogue.sql.collections import Collections
from tams.catalogue.sql.connection import Connection, Row
from tams.catalogue.sql.jobs import ADD_JOBS
from tams.catalogue.sql.moments import microseconds
from tams.catalogue.sql.objects import SQLObjects
from tams.catalogue.sql.schema import flow, object_
from tams.catalogue.sql.segment_removal import (
    REACHES_IN,
    find_lost,
    find_slice,
    move,
    note_change,
    uncount,
)
from tams.catalogue.sql.segment_tags import move_all_tags, move_tags
from tams.catalogue.sql.statements import Written
from tams.catalogue.sql.trash_listing import (
    count_flows,
    count_sources,
    kept_items,
    kept_source,
    list_flows,
    list_sources,
)
from tams.catalogue.sql.trash_schema import deletion_record, trashed_source
from tams.domain.flows import CollectionItem, Flow, FlowQuery, LockedFlow
from tams.domain.pages import Page, PageRequest
from tams.domain.rollups import total
from tams.domain.segments import Segment, SegmentQuery
from tams.domain.sources import Source, SourceQuery
from tams.domain.trash import Shown, Trashed
from tams.domain.tuples import made

_is_kept = (flow.c.kept_by == bindparam("key"), flow.c.kept_by.is_not(None))
_BURY_FLOW = (
    update(flow)
    .values(gone_at=bindparam("at"), kept_by=bindparam("key"), kept_items=bindparam("items"))
    .where(flow.c.pk == bindparam("flow_key"))
)
_FLOWS = (
    select(flow.c.id, flow.c.kept_items)
    .where(*_is_kept, flow.c.grave_of.is_(None))
    .order_by(flow.c.id)
)
# Its id may have been in use meanwhile, and told of under higher ordinals.
_REVIVE = """UPDATE flow SET gone_at = NULL, kept_by = NULL, kept_items = NULL,
    ordinal = {}(ordinal, coalesce((SELECT max(e.ordinal) FROM event e
        WHERE e.entity_id = flow.id AND e.kind = 'flow'), 0))
WHERE kept_by = {} AND grave_of IS NULL"""
_REVIVE_FLOWS = Written(_REVIVE.format("max", "?1"), _REVIVE.format("greatest", "$1"))
_LET_GO = update(flow).where(*_is_kept).values(kept_by=None, kept_items=None).returning(flow.c.pk)
_graves = (flow.c.grave_of == bindparam("flow_key"), flow.c.kept_by.is_not(None))
_SETTLE_GRAVES = (
    update(deletion_record)
    .where(
        deletion_record.c.pk.in_(select(flow.c.kept_by).where(*_graves)),
        deletion_record.c.state == "restorable",
    )
    .values(state="purged", settled=bindparam("at"))
)
# The deletion of the Flow is what is told of its Objects, whatever row held them.
_origin = flow.alias("origin")
_ordinal = select(_origin.c.ordinal).where(_origin.c.pk == bindparam("flow_key")).scalar_subquery()
_LET_GO_GRAVES = (
    update(flow)
    .where(*_graves)
    .values(kept_by=None, ordinal=func.coalesce(_ordinal, flow.c.ordinal))
    .returning(flow.c.pk)
)
_FLOW_IDS = (
    select(flow.c.id)
    .where(flow.c.source_id == bindparam("source_id"), flow.c.gone_at.is_(None))
    .order_by(flow.c.id)
)

_BURY_SOURCE = insert(trashed_source).values(
    {
        name: bindparam(name)
        for name in ("deletion_pk", "id", "format", "label", "created", "updated", "document")
    }
)
_SOURCE = (
    select(trashed_source.c.document)
    .where(trashed_source.c.id == bindparam("source_id"))
    .order_by(trashed_source.c.deletion_pk != bindparam("key"), trashed_source.c.pk.desc())
    .limit(1)
)
_DROP_SOURCE = delete(trashed_source).where(trashed_source.c.deletion_pk == bindparam("key"))

_DIG = Written.same(
    """INSERT INTO flow (id, source_id, format, created, metadata_updated, document, ordinal,
    gone_at, kept_by, grave_of)
SELECT id, source_id, format, created, metadata_updated, '{}', CAST(?2 AS bigint),
    CAST(?3 AS bigint), CAST(?4 AS bigint), pk FROM flow WHERE pk = ?1 RETURNING pk"""
)
# Whoever reweighs its Objects waits, and the numbers that are given back are theirs.
_GRAVE = (
    select(flow.c.pk).where(*_is_kept, flow.c.grave_of == bindparam("flow_key")).with_for_update()
)
_FILL_IN = delete(flow).where(flow.c.pk == bindparam("grave"))
_IN_THE_WAY = Written.same(
    f"""SELECT count(*) FROM segment n WHERE n.flow_pk = ?2
    AND EXISTS (SELECT 1 FROM segment s WHERE {REACHES_IN})"""
)
_BURIED = Written.same(
    """SELECT s.start_ns, s.end_ns, s.end_inclusive, o.id, s.ts_offset, s.last_duration,
    s.sample_offset, s.sample_count, o.start_ns, o.end_ns, o.end_inclusive, o.key_frame_count
FROM segment s JOIN object o ON o.pk = s.object_pk WHERE s.flow_pk = ?1 ORDER BY s.start_ns"""
)
_OBJECTS_IN = Written.same("SELECT DISTINCT object_pk FROM segment WHERE flow_pk = ?1")
_GIVE_BACK = Written.same("UPDATE segment SET flow_pk = ?2, registered = ?3 WHERE flow_pk = ?1")

_WAITS = (
    object_.c.start_ns.is_(None),
    object_.c.is_init.is_(None),
    object_.c.removable_at.is_(None),
)
_is_it = object_.c.id == bindparam("object_id")
_LOCK_UNREGISTERED = (
    select(object_.c.pk).where(_is_it, *_WAITS, object_.c.kept_by.is_(None)).with_for_update()
)
_BURY_OBJECT = update(object_).where(_is_it).values(kept_by=bindparam("key"))
_REVIVE_OBJECT = Written.same(
    """UPDATE object SET kept_by = NULL,
    expires = CASE WHEN expires < ?3 THEN ?3 ELSE expires END WHERE id = ?1 AND kept_by = ?2
RETURNING pk"""
)
_CONDEMN = (
    update(object_)
    .where(_is_it, *_WAITS, object_.c.kept_by.is_not_distinct_from(bindparam("key")))
    .values(removable_at=bindparam("due"), expires=None, kept_by=None)
    .returning(object_.c.pk)
)
_LAST_USES = """SELECT count(*) FROM object o WHERE o.pk {keys} AND NOT EXISTS
    (SELECT 1 FROM segment r JOIN flow f ON f.pk = r.flow_pk
    WHERE r.object_pk = o.pk AND f.gone_at IS NULL
        AND NOT (r.flow_pk = ?2 AND r.start_ns {starts}) LIMIT 1 OFFSET 0)"""
_USED_LAST = Written(
    _LAST_USES.format(
        keys="IN (SELECT value FROM json_each(?1))", starts="IN (SELECT value FROM json_each(?3))"
    ),
    _LAST_USES.format(keys="= ANY(?1::bigint[])", starts="= ANY(?3::bigint[])").replace("?", "$"),
)


_NOWHERE = (None,) * 4
"""What is read when an event is sent: where the bytes lie, and what they need."""


class SQLTrash(Trash):
    """Flows and Segments stay where they are, or under a grave; nothing of theirs is copied."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._collections = Collections(connection)

    async def bury_flow(
        self, flow: LockedFlow, key: int, at: datetime, items: Sequence[CollectionItem]
    ) -> None:
        told = kept_items().dump_json(tuple(items), exclude_none=True).decode()
        gone = {"flow_key": flow.key, "key": key, "at": microseconds(at), "items": told}
        await self._connection.execute(_BURY_FLOW, gone)
        await self._collections.remove(flow.key)

    async def bury_source(self, source: Source, key: int) -> None:
        row = {
            "deletion_pk": key,
            "id": source.id,
            "format": source.format,
            "label": source.label,
            "created": microseconds(source.created),
            "updated": microseconds(source.updated),
            "document": kept_source().dump_json(source).decode(),
        }
        await self._connection.execute(_BURY_SOURCE, row)

    async def bury_segments(
        self, flow: LockedFlow, query: SegmentQuery, key: int, at: datetime
    ) -> Deleted:
        found, _ = await find_slice(self._connection, flow.key, query, MAX_SEGMENTS)
        now, ordinal = microseconds(at), note_change(self._connection, flow, at)
        [(grave,)] = await self._connection.fetch(_DIG, (flow.key, ordinal, now, key))
        if self._connection.counter("flow", flow.id).is_tagged:
            starts = [each.start for each in found]
            await move_tags(self._connection, flow.key, starts, grave)
        buried = await move(self._connection, flow.key, found, grave)
        await uncount(self._connection, flow, found, buried.objects)
        return buried

    async def bury_object(self, object_id: str, key: int) -> None:
        await self._connection.execute(_BURY_OBJECT, {"object_id": object_id, "key": key})

    async def flows(self, key: int) -> Sequence[KeptFlow]:
        rows = await self._connection.fetch(_FLOWS, {"key": key})
        return [KeptFlow(row[0], kept_items().validate_json(row[1] or "[]")) for row in rows]

    async def source(self, source_id: str, key: int) -> Source | None:
        rows = await self._connection.fetch(_SOURCE, {"source_id": source_id, "key": key})
        return kept_source().validate_json(rows[0][0]) if rows else None

    async def revive_flows(self, key: int) -> None:
        await self._connection.execute(_REVIVE_FLOWS, (key,))

    async def drop_source(self, key: int) -> None:
        await self._connection.execute(_DROP_SOURCE, {"key": key})

    async def in_the_way(self, flow: LockedFlow, key: int) -> int:
        grave = await self._grave(flow, key)
        [(number,)] = await self._connection.fetch(_IN_THE_WAY, (flow.key, grave))
        return int(number)

    async def revive_segments(self, flow: LockedFlow, key: int, at: datetime) -> Sequence[Segment]:
        grave = await self._grave(flow, key)
        rows = await self._connection.fetch(_BURIED, (grave,))
        await self._count(flow, grave, rows)
        ordinal = note_change(self._connection, flow, at)
        await self._connection.execute(_GIVE_BACK, (grave, flow.key, ordinal))
        await move_all_tags(self._connection, grave, flow.key)
        await self._connection.execute(_FILL_IN, {"grave": grave})
        return [made(Segment, (*row, *_NOWHERE)) for row in rows]

    async def revive_object(self, object_id: str, key: int, expires: datetime) -> bool:
        asked = (object_id, key, microseconds(expires))
        return bool(await self._connection.fetch(_REVIVE_OBJECT, asked))

    async def let_go(self, key: int) -> Sequence[int]:
        rows = await self._connection.fetch(_LET_GO, {"key": key})
        await self._connection.execute(_DROP_SOURCE, {"key": key})
        return [row[0] for row in rows]

    async def let_go_of(self, flow_key: int, at: datetime) -> Sequence[int]:
        settled = {"flow_key": flow_key, "at": microseconds(at)}
        await self._connection.execute(_SETTLE_GRAVES, settled)
        rows = await self._connection.fetch(_LET_GO_GRAVES, {"flow_key": flow_key})
        return [row[0] for row in rows]

    async def lock_unregistered(self, object_id: str) -> bool:
        return bool(await self._connection.fetch(_LOCK_UNREGISTERED, {"object_id": object_id}))

    async def condemn_unregistered(
        self, object_id: str, due: datetime, key: int | None = None
    ) -> None:
        asked = {"object_id": object_id, "due": microseconds(due), "key": key}
        rows = await self._connection.fetch(_CONDEMN, asked)
        jobs = [("remove_object", row[0], microseconds(due), 0) for row in rows]
        await self._connection.hold_rows(ADD_JOBS, jobs)

    async def flow_ids(self, source_id: str) -> Sequence[str]:
        rows = await self._connection.fetch(_FLOW_IDS, {"source_id": source_id})
        return [row[0] for row in rows]

    async def last_uses(self, flow: LockedFlow, query: SegmentQuery) -> int:
        found, _ = await find_slice(self._connection, flow.key, query, MAX_SEGMENTS)
        keys = sorted({each.object_key for each in found})
        await SQLObjects(self._connection).lock(keys)
        starts = [each.start for each in found]
        [(number,)] = await self._connection.fetch(_USED_LAST, (keys, flow.key, starts))
        return int(number)

    async def list_flows(
        self, query: FlowQuery, page: PageRequest, shown: Shown
    ) -> Page[Trashed[Flow]]:
        return await list_flows(self._connection, query, page, shown)

    async def count_flows(self, query: FlowQuery, shown: Shown) -> int:
        return await count_flows(self._connection, query, shown)

    async def list_sources(
        self, query: SourceQuery, page: PageRequest, shown: Shown
    ) -> Page[Trashed[Source]]:
        return await list_sources(self._connection, query, page, shown)

    async def count_sources(self, query: SourceQuery, shown: Shown) -> int:
        return await count_sources(self._connection, query, shown)

    async def _count(self, flow: LockedFlow, grave: int, rows: Sequence[Row]) -> None:
        """Let the row of the Flow count the Segments that are about to come back."""
        keys = [row[0] for row in await self._connection.fetch(_OBJECTS_IN, (grave,))]
        regained = total(await find_lost(self._connection, flow.key, keys))
        starts, ends = [row[0] for row in rows], [row[1] for row in rows]
        self._connection.counter("flow", flow.id).count(starts, ends, regained, 1)

    async def _grave(self, flow: LockedFlow, key: int) -> int:
        rows = await self._connection.fetch(_GRAVE, {"key": key, "flow_key": flow.key})
        return int(rows[0][0]) if rows else 0
