"""Listings of Flows and Sources that are kept, alone or beside those that live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import BigInteger, and_, bindparam, cast, null, or_, select, true, union_all

from tams.catalogue.sql.collections import Collections
from tams.catalogue.sql.columns import TEXT
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.deletion_records import ALL, RecordRow
from tams.catalogue.sql.flow_listing import FLOWS, flow_filters
from tams.catalogue.sql.flow_rows import FlowRow
from tams.catalogue.sql.listing import Filters, Listing, has_label
from tams.catalogue.sql.schema import flow, source
from tams.catalogue.sql.sources import SQLSources
from tams.catalogue.sql.statements import Among
from tams.catalogue.sql.tags import FLOW_TAGS
from tams.catalogue.sql.trash_schema import deletion_record, trashed_source
from tams.domain.flows import CollectionItem, Flow, FlowQuery
from tams.domain.pages import Page, PageRequest
from tams.domain.sources import Source, SourceQuery
from tams.domain.tags import TagFilter
from tams.domain.trash import DeletionRecord, Shown, Trashed
from tams.errors import Invalid

_is_kept = and_(flow.c.kept_by.is_not(None), flow.c.grave_of.is_(None))
_FLOWS = {
    "only": replace(FLOWS, living=_is_kept, tie="pk"),
    "include": replace(FLOWS, living=or_(flow.c.gone_at.is_(None), _is_kept), tie="pk"),
}
_KEPT_FLOWS = (
    select(flow.c.pk, flow.c.kept_items, *ALL)
    .join(deletion_record, deletion_record.c.pk == flow.c.kept_by)
    .where(Among(flow.c.pk, "pks"))
)

_LISTED = ("id", "format", "label", "created", "updated")
# The keys of both tables are told apart by their sign.
_sources = union_all(
    select(
        source.c.pk,
        *(source.c[name] for name in _LISTED),
        cast(null(), BigInteger).label("deletion_pk"),
        cast(null(), TEXT).label("document"),
    ),
    select(
        -trashed_source.c.pk,
        *(trashed_source.c[name] for name in _LISTED),
        trashed_source.c.deletion_pk,
        trashed_source.c.document,
    ),
).subquery("sources")


class SourceMark(NamedTuple):
    """What a listing sorts by, and a Source that is kept, whole."""

    pk: int
    id: str
    label: str | None
    created: int
    updated: int
    deletion_pk: int | None
    document: str | None


_ANY_SOURCES = Listing(
    table=_sources,
    columns=SourceMark._fields,
    make=SourceMark._make,
    dates=("created", "updated"),
    tie="pk",
    living=true(),
    clauses={
        "label": lambda _: has_label(_sources),
        "format": lambda _: _sources.c.format == bindparam("format"),
    },
)
_SOURCES = {
    "only": replace(_ANY_SOURCES, living=_sources.c.deletion_pk.is_not(None)),
    "include": _ANY_SOURCES,
}
_RECORDS = select(deletion_record.c.pk, *ALL).where(Among(deletion_record.c.pk, "keys"))


async def list_flows(
    connection: Connection, query: FlowQuery, page: PageRequest, shown: Shown
) -> Page[Trashed[Flow]]:
    """See `Trash.list_flows`."""
    filters = flow_filters(query)
    await FLOW_TAGS.weigh(connection, filters)
    found = await _FLOWS[shown].page(connection, filters, page)
    return Page(await _whole_flows(connection, found.items), found.next_key)


async def count_flows(connection: Connection, query: FlowQuery, shown: Shown) -> int:
    """See `Trash.count_flows`."""
    filters = flow_filters(query)
    await FLOW_TAGS.weigh(connection, filters)
    return await _FLOWS[shown].count(connection, filters)


async def _whole_flows(connection: Connection, rows: Sequence[FlowRow]) -> Sequence[Trashed[Flow]]:
    pks = [row.pk for row in rows]
    tags = await FLOW_TAGS.load(connection, pks)
    links = await Collections(connection).around(pks)
    kept = {
        pk: (kept_items().validate_json(items or "[]"), RecordRow._make(row).record())
        for pk, items, *row in await connection.fetch(_KEPT_FLOWS, {"pks": pks})
    }
    found = []
    for row in rows:
        collection, collected_by = links[row.pk]
        items, record = kept.get(row.pk, (collection, None))
        found.append(Trashed(row.flow(tags[row.pk], items, collected_by), record))
    return found


async def list_sources(
    connection: Connection, query: SourceQuery, page: PageRequest, shown: Shown
) -> Page[Trashed[Source]]:
    """See `Trash.list_sources`; raises `Invalid` for filters that only living Sources have."""
    found = await _SOURCES[shown].page(connection, _source_filters(query, shown), page)
    ids = [row.id for row in found.items if row.pk > 0]
    living = {one.id: one for one in await SQLSources(connection).get_many(ids)}
    records = await _records(connection, found.items)
    items = [
        Trashed(living[row.id], None)
        if row.document is None
        else Trashed(kept_source().validate_json(row.document), records.get(row.deletion_pk))
        for row in found.items
    ]
    return Page(items, found.next_key)


async def count_sources(connection: Connection, query: SourceQuery, shown: Shown) -> int:
    """See `Trash.count_sources`; raises `Invalid` as `list_sources` does."""
    return await _SOURCES[shown].count(connection, _source_filters(query, shown))


def _source_filters(query: SourceQuery, shown: Shown) -> Filters:
    if query.tags != TagFilter() or query.collected_by is not None:
        raise Invalid("deleted", shown, "it must come without filters by tags and collected_by_ids")
    filters = Filters()
    filters.label(query.label)
    filters.equal(query, ("format",))
    return filters


async def _records(
    connection: Connection, rows: Sequence[SourceMark]
) -> Mapping[int | None, DeletionRecord]:
    keys = [row.deletion_pk for row in rows if row.deletion_pk is not None]
    found = await connection.fetch(_RECORDS, {"keys": keys})
    return {key: RecordRow._make(row).record() for key, *row in found}


@cache
def kept_items() -> TypeAdapter[tuple[CollectionItem, ...]]:
    """What reads and writes what a Flow that is kept collected."""
    return TypeAdapter(tuple[CollectionItem, ...])


@cache
def kept_source() -> TypeAdapter[Source]:
    """What reads and writes a Source that is kept."""
    return TypeAdapter(Source)
