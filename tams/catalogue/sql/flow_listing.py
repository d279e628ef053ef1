"""Which Flows pass the filters of a listing, in SQL (statements 85 to 91, 104 to 110, 122, 123)."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, bindparam, exists, or_, select

from tams.catalogue.sql.collections import COLLECTOR, LINKS, MEMBER
from tams.catalogue.sql.flow_rows import FlowRow
from tams.catalogue.sql.flow_times import bounds, has_none, overlaps
from tams.catalogue.sql.listing import Clause, Filters, Listing, has_label
from tams.catalogue.sql.schema import flow, flow_collection
from tams.catalogue.sql.statements import Among
from tams.catalogue.sql.tags import FLOW_TAGS, filter_tags
from tams.domain.flows import FlowQuery
from tams.domain.timerange import ETERNITY, TimeRange

_EQUAL = (
    "source_id", "format", "codec", "profile_id", "status", "frame_width", "frame_height",
)  # fmt: skip


def flow_filters(query: FlowQuery) -> Filters:
    """Return the conditions of a query."""
    filters = Filters()
    filters.equal(query, _EQUAL)
    filters.label(query.label)
    if query.init_segments is not None:
        filters.add("init_segments" if query.init_segments else "no_init_segments")
    filters.collectors(query.collected_by)
    if query.timerange is not None:
        _filter_time(filters, query.timerange)
    filter_tags(filters, query.tags)
    return filters


def _filter_time(filters: Filters, timerange: TimeRange) -> None:
    """Without any bound, a timerange is no condition: Flows without Segments pass, too."""
    if timerange.is_empty:
        filters.add("empty")
    elif timerange != ETERNITY:
        low, high = bounds(timerange)
        filters.add("overlapping", low_ns=low, high_ns=high)


def _equals(name: str) -> Clause:
    return lambda _: flow.c[name] == bindparam(name)


def _uses_init_segments(_: int) -> ColumnElement[bool]:
    return flow.c.init_segments == 1


def _uses_none(_: int) -> ColumnElement[bool]:
    return or_(flow.c.init_segments.is_(None), flow.c.init_segments == 0)


def _collected_by(_: int) -> ColumnElement[bool]:
    collectors = and_(Among(COLLECTOR.id, "collectors"), COLLECTOR.gone_at.is_(None))
    return flow.c.pk.in_(select(MEMBER.pk).select_from(LINKS).where(collectors))


def _uncollected(_: int) -> ColumnElement[bool]:
    collected = flow_collection.c.member_pk == flow.c.pk
    return ~exists(select(flow_collection.c.member_pk).where(collected).correlate(flow))


FLOWS = Listing(
    table=flow,
    columns=FlowRow._fields,
    make=FlowRow._make,
    dates=("created", "metadata_updated"),
    living=flow.c.gone_at.is_(None),
    clauses={
        **{name: _equals(name) for name in _EQUAL},
        **FLOW_TAGS.clauses(flow.c.pk),
        "label": lambda _: has_label(flow),
        "init_segments": _uses_init_segments,
        "no_init_segments": _uses_none,
        "collected_by": _collected_by,
        "uncollected": _uncollected,
        "empty": lambda _: has_none(),
        "overlapping": lambda _: overlaps(),
    },
)
