"""Which Segments a deletion takes, a slice at a time: first they are found, then they go.

Two statements and no clever one: which of those found are to go is decided by the rules, and the
next slice begins at the first that was not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from tams.catalogue.promises.segments import Deleted, Extent
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.moments import microseconds
from tams.catalogue.sql.statements import Written
from tams.domain.deletions import DeletionRequest
from tams.domain.flows import LockedFlow
from tams.domain.rollups import Weight, total, weigh
from tams.domain.segments import NewSegment, SegmentQuery
from tams.domain.timerange import EMPTY, LIMIT, TimeRange

_COLUMNS = "s.start_ns, s.end_ns, s.end_inclusive, s.object_pk, s.registered"
_WITHIN = "s.flow_pk = ?1 AND s.start_ns >= ?3 AND s.start_ns < ?4 AND s.end_ns <= ?4"
_OF_OBJECT = f"{_WITHIN} AND s.object_pk = (SELECT pk FROM object WHERE id = ?5)"
_OF_REMOVED = """s.flow_pk = ?1 AND s.start_ns >= ?3
    AND EXISTS (SELECT 1 FROM flow WHERE pk = ?1 AND gone_at IS NOT NULL AND kept_by IS NULL)"""


def _slice(condition: str) -> Written:
    return Written.same(
        f"SELECT {_COLUMNS} FROM segment s WHERE {condition} ORDER BY s.start_ns LIMIT ?2"
    )


def _extent(condition: str) -> Written:
    """Both ends by a probe each; what is counted is as many entries of an index at most."""
    return Written.same(
        f"""SELECT f.number, f.start_ns, l.end_ns, l.end_inclusive
FROM (SELECT count(*) AS number, min(c.start_ns) AS start_ns FROM
    (SELECT s.start_ns FROM segment s WHERE {condition} ORDER BY s.start_ns LIMIT ?2) c) f
CROSS JOIN (SELECT s.end_ns, s.end_inclusive FROM segment s WHERE {condition}
    ORDER BY s.start_ns DESC LIMIT 1) l"""
    )


_SLICE, _SLICE_OF_OBJECT, _SLICE_OF_REMOVED = map(_slice, (_WITHIN, _OF_OBJECT, _OF_REMOVED))
_EXTENT, _EXTENT_OF_OBJECT = map(_extent, (_WITHIN, _OF_OBJECT))

# The predecessor of a start may reach into it.
REACHES_IN = """s.flow_pk = ?1 AND s.end_ns > n.start_ns AND s.start_ns < n.end_ns
    AND s.start_ns >= coalesce((SELECT max(p.start_ns) FROM segment p
        WHERE p.flow_pk = ?1 AND p.start_ns <= n.start_ns), n.start_ns)"""
"""Whether the Segment `s` of the Flow ?1 overlaps `n`, which starts and ends somewhere."""
# ?3 and ?4 are where the new Segments start and end.
_IN_THE_WAY = Written(
    f"""WITH e AS MATERIALIZED (SELECT key, value FROM json_each(?4)),
n AS MATERIALIZED (SELECT b.value AS start_ns, e.value AS end_ns
    FROM json_each(?3) b CROSS JOIN e ON e.key = b.key)
SELECT DISTINCT {_COLUMNS}, o.id FROM n
CROSS JOIN segment s ON {REACHES_IN}
CROSS JOIN object o ON o.pk = s.object_pk LIMIT ?2""",
    f"""SELECT DISTINCT {_COLUMNS}, o.id
FROM unnest($3::bigint[], $4::bigint[]) AS n(start_ns, end_ns)
CROSS JOIN LATERAL (SELECT * FROM segment s WHERE {REACHES_IN} OFFSET 0) s
CROSS JOIN LATERAL (SELECT id FROM object WHERE pk = s.object_pk OFFSET 0) o
LIMIT $2""".replace("?", "$"),
)
# On PostgreSQL by their places, else it may look through the whole Flow for them. A place is one of
# a table: the partitions have the same.
_TAKE = Written(
    "DELETE FROM segment WHERE flow_pk = ?1 AND start_ns IN (SELECT value FROM json_each(?2))",
    """WITH found AS MATERIALIZED (SELECT s.tableoid, s.ctid
    FROM unnest($2::bigint[]) AS d(start_ns) CROSS JOIN LATERAL
    (SELECT tableoid, ctid FROM segment WHERE flow_pk = $1 AND start_ns = d.start_ns OFFSET 0) s)
DELETE FROM segment WHERE ctid = ANY(ARRAY(SELECT ctid FROM found))
    AND tableoid = (SELECT tableoid FROM found LIMIT 1)""",
)
_MOVE = Written(
    """UPDATE segment SET flow_pk = ?3
WHERE flow_pk = ?1 AND start_ns IN (SELECT value FROM json_each(?2))""",
    _TAKE.postgresql.replace("DELETE FROM segment", "UPDATE segment SET flow_pk = $3"),
)
_LOST = Written(
    """SELECT o.size, o.access_count FROM json_each(?2) d CROSS JOIN object o ON o.pk = d.value
WHERE NOT EXISTS (SELECT 1 FROM segment r WHERE r.object_pk = o.pk AND r.flow_pk = ?1)""",
    """SELECT o.size, o.access_count FROM object o WHERE o.pk = ANY($2::bigint[]) AND NOT EXISTS
    (SELECT 1 FROM segment r WHERE r.object_pk = o.pk AND r.flow_pk = $1 LIMIT 1 OFFSET 0)""",
)
# Without statistics of a Flow, PostgreSQL would rather collect and sort the whole of it than walk
# along its index. Until the work ends, it is not to.
IN_ORDER = Written("SELECT 1", "SELECT set_config('enable_bitmapscan', 'off', true)")


class Found(NamedTuple):
    """A Segment at which a deletion looks; `object_id` is None where nobody asks for it."""

    start: int
    end: int
    end_inclusive: bool
    object_key: int
    registered: int
    object_id: str | None = None

    def is_taken_by(self, requests: Iterable[DeletionRequest]) -> bool:
        """Whether one of them is to delete it."""
        timerange = TimeRange(self.start, self.end)
        return any(
            request.takes(timerange, self.object_id or "", self.registered) for request in requests
        )


Slice = tuple[Sequence[Found], int | None]
"""What was found in the order of time, and where the first Segment begins that was left out."""


async def find_extent(
    connection: Connection, flow_key: int, query: SegmentQuery, most: int
) -> Extent:
    """See `Segments.extent`."""
    await connection.execute(IN_ORDER)
    statement = _EXTENT if query.object_id is None else _EXTENT_OF_OBJECT
    rows = await connection.fetch(statement, _parameters(flow_key, query, most))
    if not rows:
        return Extent(0, EMPTY)
    [(number, start, end, end_inclusive)] = rows
    return Extent(number, TimeRange(start, end, bool(end_inclusive)))


async def find_slice(
    connection: Connection, flow_key: int, query: SegmentQuery, limit: int
) -> Slice:
    """The first `limit` Segments that lie completely within the query's timerange."""
    await connection.execute(IN_ORDER)
    statement = _SLICE if query.object_id is None else _SLICE_OF_OBJECT
    rows = await connection.fetch(statement, _parameters(flow_key, query, limit + 1))
    return _parted([Found(*row) for row in rows], limit)


async def find_of_removed(
    connection: Connection, flow_key: int, limit: int, start: int | None
) -> Slice:
    """The first `limit` Segments of a removed Flow, of those at `start` or later."""
    await connection.execute(IN_ORDER)
    low = -LIMIT - 1 if start is None else start
    rows = await connection.fetch(_SLICE_OF_REMOVED, (flow_key, limit + 1, low))
    return _parted([Found(*row) for row in rows], limit)


async def find_in_the_way(
    connection: Connection, flow_key: int, posts: Sequence[NewSegment], limit: int
) -> Slice:
    """Up to `limit` Segments that overlap new ones."""
    starts = [post.timerange.start for post in posts]
    ends = [post.timerange.end for post in posts]
    rows = await connection.fetch(_IN_THE_WAY, (flow_key, limit + 1, starts, ends))
    return _parted(sorted(Found(*row) for row in rows), limit)


async def take(
    connection: Connection, flow_key: int, doomed: Sequence[Found], rest: int | None
) -> Deleted:
    """Delete these Segments, which are in the order of time."""
    if not doomed:
        return Deleted(0, EMPTY, (), rest)
    await connection.execute(_TAKE, (flow_key, [each.start for each in doomed]))
    return _summary(doomed, rest)


async def move(
    connection: Connection, flow_key: int, found: Sequence[Found], target: int
) -> Deleted:
    """Give these Segments, which are in the order of time, to another row of `flow`."""
    if not found:
        return Deleted(0, EMPTY, ())
    await connection.execute(_MOVE, (flow_key, [each.start for each in found], target))
    return _summary(found, None)


def _summary(gone: Sequence[Found], rest: int | None) -> Deleted:
    last = gone[-1]
    timerange = TimeRange(gone[0].start, last.end, bool(last.end_inclusive))
    return Deleted(len(gone), timerange, tuple(sorted({each.object_key for each in gone})), rest)


def note_change(connection: Connection, flow: LockedFlow, at: datetime) -> int:
    """Write down that the Segments of a Flow change now; gives the ordinal of the change."""
    connection.counter("flow", flow.id).segments_updated = microseconds(at)
    return connection.next_ordinal("flow", flow.id)


async def uncount(
    connection: Connection, flow: LockedFlow, gone: Sequence[Found], objects: Sequence[int]
) -> None:
    """Let the row of a Flow no longer count Segments that have left it, with these Objects."""
    lost = total(await find_lost(connection, flow.key, objects))
    starts, ends = [each.start for each in gone], [each.end for each in gone]
    connection.counter("flow", flow.id).count(starts, ends, lost, -1)


async def find_lost(
    connection: Connection, flow_key: int, object_keys: Sequence[int]
) -> list[Weight]:
    """What those of these Objects weigh of which the Flow has no Segment any more."""
    rows = await connection.fetch(_LOST, (flow_key, list(object_keys)))
    return [weigh(size, accesses or 0) for size, accesses in rows]


def _parameters(flow_key: int, query: SegmentQuery, number: int) -> list[object]:
    wanted = query.timerange.clamped()
    low = -LIMIT - 1 if wanted.start is None else wanted.start
    high = LIMIT + 2 if wanted.end is None else wanted.end
    parameters: list[object] = [flow_key, number, low, high]
    return parameters if query.object_id is None else [*parameters, query.object_id]


def _parted(found: Sequence[Found], limit: int) -> Slice:
    return found[:limit], found[limit].start if len(found) > limit else None
