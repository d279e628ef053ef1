"""Where a Flow's Segments lie, by a few index probes, since they do not overlap each other."""

from __future__ import annotations

from sqlalchemy import ColumnElement, bindparam, exists, select

from tams.catalogue.sql.schema import flow, segment
from tams.catalogue.sql.statements import Written
from tams.domain.timerange import LIMIT, TimeRange

# By hand, to bound each probe: ?1 the Flow's id, ?2 and ?3 as of `bounds`. The last Segment that
# starts below ?3 overlaps if any does; the last that starts at ?2 or below may be the first.
REACH = Written.same(
    """SELECT (SELECT s.start_ns FROM segment s WHERE s.flow_pk = f.pk AND s.end_ns > ?2
    AND s.start_ns >= coalesce((SELECT max(p.start_ns) FROM segment p
        WHERE p.flow_pk = f.pk AND p.start_ns <= ?2), ?2)
    ORDER BY s.start_ns LIMIT 1), l.end_ns, l.end_inclusive
FROM flow f CROSS JOIN segment l
WHERE f.id = ?1 AND f.gone_at IS NULL AND l.flow_pk = f.pk AND l.end_ns > ?2 AND l.start_ns =
    (SELECT max(m.start_ns) FROM segment m WHERE m.flow_pk = f.pk AND m.start_ns < ?3)"""
)


def bounds(timerange: TimeRange) -> tuple[int, int]:
    """Return both ends for the statements here; what lies beyond the limits meets no Segment."""
    low = -LIMIT if timerange.start is None else timerange.start
    high = LIMIT + 1 if timerange.end is None else timerange.end
    return _stored(low), _stored(high)


def _stored(ns: int) -> int:
    return max(-LIMIT, min(ns, LIMIT + 1))


def has_none() -> ColumnElement[bool]:
    """Whether a Flow of the query has no Segment."""
    return ~exists(select(segment.c.flow_pk).where(segment.c.flow_pk == flow.c.pk).correlate(flow))


def overlaps() -> ColumnElement[bool]:
    """Whether a Segment lies between `low_ns` and `high_ns`, in part at least: one probe."""
    last_end = (
        select(segment.c.end_ns)
        .where(segment.c.flow_pk == flow.c.pk, segment.c.start_ns < bindparam("high_ns"))
        .order_by(segment.c.start_ns.desc())
        .limit(1)
        .correlate(flow)
        .scalar_subquery()
    )
    return last_end > bindparam("low_ns")
