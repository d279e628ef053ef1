"""Flows, their tags and collections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from tams.catalogue.promises.flows import Flows
from tams.catalogue.sql.collections import SOURCES_OF, Collections
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.flow_listing import FLOWS, flow_filters
from tams.catalogue.sql.flow_rows import METADATA, UNCHANGING, FlowRow, metadata, unchanging
from tams.catalogue.sql.flow_times import REACH, bounds
from tams.catalogue.sql.moments import microseconds
from tams.catalogue.sql.rollups import NO_ROLLUP
from tams.catalogue.sql.schema import flow, mutex
from tams.catalogue.sql.statements import Among
from tams.catalogue.sql.tags import FLOW_TAGS
from tams.domain.flows import Flow, FlowQuery, LockedFlow
from tams.domain.pages import Page, PageRequest
from tams.domain.rollups import NOTHING
from tams.domain.timerange import EMPTY, TimeRange

_is_here = (flow.c.id == bindparam("flow_id")) & flow.c.gone_at.is_(None)

_GET = select(*(flow.c[name] for name in FlowRow._fields)).where(_is_here)
_GET_MANY = select(*(flow.c[name] for name in FlowRow._fields)).where(
    Among(flow.c.id, "flow_ids"), flow.c.gone_at.is_(None)
)
_PK = select(flow.c.pk).where(_is_here)
# Alone in its statement: a snapshot taken before the lock would miss what its holder wrote.
_LOCK = (
    select(
        flow.c.pk,
        flow.c.source_id,
        flow.c.container,
        flow.c.read_only,
        flow.c.init_segments,
        flow.c.ordinal,
        flow.c.deletions,
        flow.c.segment_tags,
        flow.c.rollup,
    )
    .where(_is_here)
    .with_for_update()
)
_LOCK_COLLECTIONS = select(mutex.c.name).where(mutex.c.name == "collections").with_for_update()
_METADATA: dict[str, Any] = {name: bindparam(name) for name in METADATA}
_UNCHANGING: dict[str, Any] = {name: bindparam(name) for name in (*UNCHANGING, "ordinal")}
_NOTHING: dict[str, Any] = {"segments": 0, "rollup": NO_ROLLUP, **NOTHING._asdict()}
_ADD = insert(flow).values(_METADATA | _UNCHANGING | _NOTHING).returning(flow.c.pk)
_REPLACE = update(flow).values(_METADATA).where(flow.c.pk == bindparam("pk"))
_REMOVE = update(flow).values(gone_at=bindparam("gone_at")).where(flow.c.pk == bindparam("pk"))
_FORGET = delete(flow).where(
    flow.c.pk == bindparam("pk"), flow.c.gone_at.is_not(None), flow.c.kept_by.is_(None)
)


class SQLFlows(Flows):
    """Each Flow in one row, with rows for its tags and for what it collects."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._collections = Collections(connection)

    async def get(self, flow_id: str) -> Flow | None:
        rows = await self._connection.fetch(_GET, {"flow_id": flow_id})
        flows = await self._whole([FlowRow._make(row) for row in rows])
        return flows[0] if flows else None

    async def get_many(self, flow_ids: Sequence[str]) -> Sequence[Flow]:
        rows = await self._connection.fetch(_GET_MANY, {"flow_ids": list(flow_ids)})
        found = {one.id: one for one in await self._whole([FlowRow._make(row) for row in rows])}
        return [found[flow_id] for flow_id in flow_ids if flow_id in found]

    async def lock(self, flow_id: str) -> LockedFlow | None:
        rows = await self._connection.fetch(_LOCK, {"flow_id": flow_id})
        if not rows:
            return None
        [(pk, source_id, container, read_only, init_segments, ordinal, deletions, *more)] = rows
        tagged, told = more
        self._connection.locked("flow", flow_id, pk, ordinal, told, is_tagged=tagged is not None)
        return LockedFlow(
            key=pk,
            id=flow_id,
            source_id=source_id,
            container=container,
            read_only=bool(read_only),
            uses_init_segments=bool(init_segments),
            ordinal=ordinal,
            deletions=deletions or 0,
        )

    async def lock_collections(self) -> None:
        await self._connection.fetch(_LOCK_COLLECTIONS, {})

    async def add(self, flow: Flow) -> None:
        ordinal = await self._connection.last_ordinal("flow", flow.id)
        values = {**metadata(flow), **unchanging(flow), "ordinal": ordinal}
        [(pk,)] = await self._connection.fetch(_ADD, values)
        self._connection.locked("flow", flow.id, pk, ordinal, NO_ROLLUP)
        await FLOW_TAGS.add(self._connection, pk, flow.tags)
        await self._collections.add(pk, flow.flow_collection)

    async def replace(self, flow: Flow) -> None:
        pk = self._connection.counter("flow", flow.id).pk
        await self._connection.execute(_REPLACE, {**metadata(flow), "pk": pk})
        await FLOW_TAGS.remove(self._connection, pk)
        await FLOW_TAGS.add(self._connection, pk, flow.tags)
        await self._collections.empty(pk)
        await self._collections.add(pk, flow.flow_collection)

    async def remove(self, flow: LockedFlow, at: datetime) -> None:
        gone = {"pk": flow.key, "gone_at": microseconds(at)}
        await self._connection.execute(_REMOVE, gone)
        await FLOW_TAGS.remove(self._connection, flow.key)
        await self._collections.remove(flow.key)

    async def forget(self, key: int) -> None:
        await self._connection.execute(_FORGET, {"pk": key})

    async def sources_of(self, flow_ids: Iterable[str]) -> Mapping[str, str]:
        rows = await self._connection.fetch(SOURCES_OF, {"flow_ids": list(flow_ids)})
        return {row[0]: row[1] for row in rows}

    async def collected_from(self, flow_ids: Iterable[str]) -> frozenset[str]:
        given = frozenset(flow_ids)
        return given | await self._collections.reached(given)

    async def timerange(self, flow_id: str, within: TimeRange) -> TimeRange:
        if within.is_empty:
            return EMPTY
        rows = await self._connection.fetch(REACH, (flow_id, *bounds(within)))
        return TimeRange(rows[0][0], rows[0][1], bool(rows[0][2])) if rows else EMPTY

    async def count(self, query: FlowQuery) -> int:
        filters = flow_filters(query)
        await FLOW_TAGS.weigh(self._connection, filters)
        return await FLOWS.count(self._connection, filters)

    async def list(self, query: FlowQuery, page: PageRequest) -> Page[Flow]:
        filters = flow_filters(query)
        await FLOW_TAGS.weigh(self._connection, filters)
        found = await FLOWS.page(self._connection, filters, page)
        return Page(await self._whole(found.items), found.next_key)

    async def _whole(self, rows: Sequence[FlowRow]) -> Sequence[Flow]:
        if not rows:
            return []
        pks = [row.pk for row in rows]
        tags = await FLOW_TAGS.load(self._connection, pks)
        links = await self._collections.around(pks)
        return [row.flow(tags[row.pk], *links[row.pk]) for row in rows]
