"""Sources, with what is derived from the collections of their Flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, delete, exists, insert, select, update

from tams.catalogue.promises.sources import Sources
from tams.catalogue.sql.collections import COLLECTOR, LINKS, MEMBER, Collections
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.listing import Filters, Listing, has_label
from tams.catalogue.sql.moments import microseconds, moment
from tams.catalogue.sql.schema import flow, source
from tams.catalogue.sql.statements import Among
from tams.catalogue.sql.tags import SOURCE_TAGS, filter_tags
from tams.domain.pages import Page, PageRequest
from tams.domain.sources import (
    ContentFormat,
    Source,
    SourceMember,
    SourceQuery,
    derived_collection,
)
from tams.domain.tags import Tags


class SourceRow(NamedTuple):
    """The columns of a Source, in the order in which they are read."""

    pk: int
    id: str
    format: str
    label: str | None
    description: str | None
    created_by: str | None
    updated_by: str | None
    created: int
    updated: int
    ordinal: int
    lasting: int | None

    def source(
        self, tags: Tags, collection: tuple[SourceMember, ...], collected_by: tuple[str, ...]
    ) -> Source:
        """Return the Source whole."""
        return Source(
            id=self.id,
            format=ContentFormat(self.format),
            label=self.label,
            description=self.description,
            created_by=self.created_by,
            updated_by=self.updated_by,
            created=moment(self.created),
            updated=moment(self.updated),
            tags=tags,
            source_collection=collection,
            collected_by=collected_by,
            is_lasting=bool(self.lasting),
        )


_REPLACEABLE = ("label", "description", "updated", "updated_by")
_ALL = (*_REPLACEABLE, "id", "format", "created", "created_by", "ordinal", "lasting")

_GET = select(*(source.c[name] for name in SourceRow._fields)).where(
    source.c.id == bindparam("source_id")
)
_LOCK = _GET.with_for_update()
_GET_MANY = select(*(source.c[name] for name in SourceRow._fields)).where(
    Among(source.c.id, "source_ids")
)
_ADD = insert(source).values({name: bindparam(name) for name in _ALL}).returning(source.c.pk)
_REPLACE = (
    update(source)
    .values({name: bindparam(name) for name in _REPLACEABLE})
    .where(source.c.pk == bindparam("pk"))
)
_REMOVE = delete(source).where(source.c.pk == bindparam("pk"))
_A_FLOW = (
    select(flow.c.pk)
    .where(flow.c.source_id == bindparam("source_id"), flow.c.gone_at.is_(None))
    .limit(1)
)


def _collected_by(_: int) -> ColumnElement[bool]:
    collected = select(MEMBER.source_id).select_from(LINKS)
    return source.c.id.in_(collected.where(Among(COLLECTOR.source_id, "collectors")))


def _uncollected(_: int) -> ColumnElement[bool]:
    collected = select(MEMBER.pk).select_from(LINKS).where(MEMBER.source_id == source.c.id)
    return ~exists(collected.correlate(source))


_SOURCES = Listing(
    table=source,
    columns=SourceRow._fields,
    make=SourceRow._make,
    dates=("created", "updated"),
    clauses={
        **SOURCE_TAGS.clauses(source.c.pk),
        "label": lambda _: has_label(source),
        "format": lambda _: source.c.format == bindparam("format"),
        "collected_by": _collected_by,
        "uncollected": _uncollected,
    },
)


def _filters(query: SourceQuery) -> Filters:
    filters = Filters()
    filters.label(query.label)
    filters.equal(query, ("format",))
    filters.collectors(query.collected_by)
    filter_tags(filters, query.tags)
    return filters


class SQLSources(Sources):
    """Each Source in one row, with rows for its tags; its collections are read from its Flows."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._collections = Collections(connection)

    async def get(self, source_id: str) -> Source | None:
        rows = await self._connection.fetch(_GET, {"source_id": source_id})
        sources = await self._whole([SourceRow._make(row) for row in rows])
        return sources[0] if sources else None

    async def get_many(self, source_ids: Sequence[str]) -> Sequence[Source]:
        rows = await self._connection.fetch(_GET_MANY, {"source_ids": list(source_ids)})
        found = {one.id: one for one in await self._whole([SourceRow._make(row) for row in rows])}
        return [found[source_id] for source_id in source_ids if source_id in found]

    async def lock(self, source_id: str) -> Source | None:
        rows = await self._connection.fetch(_LOCK, {"source_id": source_id})
        if not rows:
            return None
        row = SourceRow._make(rows[0])
        self._connection.locked("source", source_id, row.pk, row.ordinal)
        [locked] = await self._whole([row])
        return locked

    async def add(self, source: Source) -> None:
        ordinal = await self._connection.last_ordinal("source", source.id)
        values = {
            **_values(source),
            "id": source.id,
            "format": source.format,
            "created": microseconds(source.created),
            "created_by": source.created_by,
            "ordinal": ordinal,
            "lasting": 1 if source.is_lasting else None,
        }
        [(pk,)] = await self._connection.fetch(_ADD, values)
        self._connection.locked("source", source.id, pk, ordinal)
        await SOURCE_TAGS.add(self._connection, pk, source.tags)

    async def replace(self, source: Source) -> None:
        pk = self._connection.counter("source", source.id).pk
        await self._connection.execute(_REPLACE, {**_values(source), "pk": pk})
        await SOURCE_TAGS.remove(self._connection, pk)
        await SOURCE_TAGS.add(self._connection, pk, source.tags)

    async def remove(self, source_id: str) -> None:
        pk = self._connection.counter("source", source_id).pk
        await SOURCE_TAGS.remove(self._connection, pk)
        await self._connection.execute(_REMOVE, {"pk": pk})

    async def has_flows(self, source_id: str) -> bool:
        return bool(await self._connection.fetch(_A_FLOW, {"source_id": source_id}))

    async def collections(
        self, source_id: str, *, except_flow: str | None = None
    ) -> Sequence[tuple[SourceMember, ...]]:
        found = await self._collections.of_sources([source_id])
        return [members for flow_id, members in found.get(source_id, ()) if flow_id != except_flow]

    async def count(self, query: SourceQuery) -> int:
        filters = _filters(query)
        await SOURCE_TAGS.weigh(self._connection, filters)
        return await _SOURCES.count(self._connection, filters)

    async def list(self, query: SourceQuery, page: PageRequest) -> Page[Source]:
        filters = _filters(query)
        await SOURCE_TAGS.weigh(self._connection, filters)
        found = await _SOURCES.page(self._connection, filters, page)
        return Page(await self._whole(found.items), found.next_key)

    async def _whole(self, rows: Sequence[SourceRow]) -> Sequence[Source]:
        if not rows:
            return []
        ids = [row.id for row in rows]
        tags = await SOURCE_TAGS.load(self._connection, [row.pk for row in rows])
        found = await self._collections.of_sources(ids)
        collectors = await self._collections.source_collectors(ids)
        return [
            row.source(
                tags[row.pk],
                derived_collection([members for _, members in found.get(row.id, ())]),
                collectors.get(row.id, ()),
            )
            for row in rows
        ]


def _values(source: Source) -> dict[str, str | int | None]:
    return {
        "label": source.label,
        "description": source.description,
        "updated": microseconds(source.updated),
        "updated_by": source.updated_by,
    }
