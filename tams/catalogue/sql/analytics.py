"""What the store holds in numbers: rows of Flows where they count, else their Segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from tams.catalogue.promises.analytics import Analytics
from tams.catalogue.promises.inspection import Slice
from tams.catalogue.sql.analytics_filters import (
    ALL,
    FLOW_FILTERS,
    FLOW_TIMES,
    LEAST,
    MOST,
    OBJECT_FILTERS,
    conditions,
    passing,
)
from tams.catalogue.sql.connection import Connection, Row
from tams.catalogue.sql.moments import microseconds, moment
from tams.catalogue.sql.objects import LIVING, LIVING_INIT
from tams.catalogue.sql.rollups import rollup_of, rollup_text
from tams.catalogue.sql.segment_removal import IN_ORDER
from tams.catalogue.sql.statements import Written
from tams.catalogue.sql.weights import FLOWS_BY
from tams.domain.analytics import (
    AnalyticsQuery,
    CountedFlow,
    ReadObject,
    StoredObjects,
    TimedFlow,
)
from tams.domain.rollups import Rollup, Span, Weight, total, weigh
from tams.domain.timerange import LIMIT

_SLICE = 10_000
_COUNTS = ", ".join(f"f.{name}" for name in Weight._fields)
_SUMS = ", ".join(f"CAST(coalesce(sum(f.{name}), 0) AS bigint)" for name in Weight._fields)
_FLOW = f"""f.pk, f.id, f.format, f.codec, f.frame_width, f.frame_height, f.created, f.segments,
    {_COUNTS}"""
# The ends of a Flow are two probes of the clustered index.
_TIMES = """f.pk, f.rollup, (SELECT min(s.start_ns) FROM segment s WHERE s.flow_pk = f.pk),
    (SELECT max(s.start_ns) FROM segment s WHERE s.flow_pk = f.pk),
    (SELECT s.end_ns FROM segment s WHERE s.flow_pk = f.pk ORDER BY s.start_ns DESC LIMIT 1)"""
_SPANS = Written.same(
    """SELECT start_ns, end_ns FROM segment
WHERE flow_pk = ?1 AND start_ns >= ?2 AND start_ns < ?3 ORDER BY start_ns LIMIT ?4"""
)
_WEIGHT = Written.same(f"SELECT {_SUMS} FROM flow f WHERE f.gone_at IS NULL")
_WEIGHT_OF = Written.same(
    """SELECT o.size, coalesce(o.access_count, 0), count(*)
FROM (SELECT DISTINCT object_pk FROM segment WHERE flow_pk = ?1) s
JOIN object o ON o.pk = s.object_pk GROUP BY 1, 2"""
)
_LIVING_FLOWS = f"""(SELECT count(*) FROM ({FLOWS_BY.format(column="object_pk", key="o.pk")}) u
    JOIN flow f ON f.pk = u.flow_pk WHERE f.gone_at IS NULL)"""
_APART = Written.same(
    f"""SELECT o.pk, o.size, coalesce(o.access_count, 0), o.is_init,
    CASE WHEN o.is_init = 1 THEN CASE WHEN {LIVING_INIT} THEN 1 ELSE 0 END
        ELSE {_LIVING_FLOWS} END
FROM object o WHERE o.pk > ?1 AND o.apart IS NOT NULL AND o.removable_at IS NULL
ORDER BY o.pk LIMIT ?2"""
)
_OBJECT = "o.id, o.size, coalesce(o.access_count, 0), o.last_accessed"
_THERE = "o.removable_at IS NULL AND (o.start_ns IS NOT NULL OR o.is_init = 1)"
_LIVES = f"{_THERE} AND ({LIVING} OR o.is_init = 1 AND {LIVING_INIT})"
_READ = "o.access_count IS NOT NULL"
_MOST_READ = Written.same(
    f"""SELECT {_OBJECT} FROM object o WHERE {_READ} AND {_LIVES}
ORDER BY o.access_count DESC, o.pk DESC LIMIT ?1"""
)
_LEAST_READ = Written.same(
    f"""SELECT {_OBJECT} FROM object o WHERE {_READ} AND {_LIVES}
ORDER BY o.access_count, o.pk LIMIT ?1"""
)
_NEVER_READ = Written.same(
    f"""SELECT {_OBJECT} FROM object o WHERE o.pk > ?1 AND o.pk <= ?2 AND NOT {_READ} AND {_LIVES}
ORDER BY o.pk LIMIT ?3"""
)
_OLDEST = Written.same(
    f"SELECT o.created FROM object o WHERE o.created IS NOT NULL AND {_LIVES} ORDER BY o.pk LIMIT 1"
)
_SEGMENTS = Written.same(
    "SELECT CAST(coalesce(sum(segments), 0) AS bigint) FROM flow WHERE gone_at IS NULL"
)
_NUMBERS = Written.same(
    """SELECT (SELECT count(*) FROM source), (SELECT count(*) FROM flow WHERE gone_at IS NULL),
    (SELECT count(*) FROM profile), (SELECT count(*) FROM webhook),
    (SELECT count(*) FROM deletion_request WHERE expiry IS NULL OR expiry > ?1)"""
)
_NUMBERED = ("sources", "flows", "profiles", "webhooks", "deletion_requests")
_UNCOUNTED = Written.same("SELECT pk FROM flow WHERE gone_at IS NULL AND rollup IS NULL")
_LOCK = Written(
    "SELECT pk FROM flow WHERE pk = ?1 AND gone_at IS NULL AND rollup IS NULL",
    "SELECT pk FROM flow WHERE pk = $1 AND gone_at IS NULL AND rollup IS NULL FOR UPDATE",
)
_COUNT = Written.same(
    f"""UPDATE flow SET segments = ?2, rollup = ?3,
    {", ".join(f"{name} = ?{at}" for at, name in enumerate(Weight._fields, 4))} WHERE pk = ?1"""
)


class SQLAnalytics(Analytics):
    """Asks by ranges of keys."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def flows(self, query: AnalyticsQuery, after: int, limit: int) -> Sequence[CountedFlow]:
        rows = await self._flows(_FLOW, query, FLOW_FILTERS | FLOW_TIMES, after, limit)
        return [
            CountedFlow._make(
                (*row[:6], moment(row[6]), row[7], None if row[7] is None else Weight(*row[8:]))
            )
            for row in rows
        ]

    async def timed_flows(
        self, query: AnalyticsQuery, after: int, limit: int
    ) -> Sequence[TimedFlow | int]:
        return [
            key
            if first is None
            else TimedFlow(key, None if told is None else rollup_of(told), first, last, end)
            for key, told, first, last, end in await self._flows(
                _TIMES, query, FLOW_FILTERS, after, limit
            )
        ]

    async def spans(self, flow_key: int, low: int, high: int, limit: int) -> Sequence[Span]:
        await self._connection.execute(IN_ORDER)
        rows = await self._connection.fetch(_SPANS, (flow_key, low, high, limit))
        return [(start, end) for start, end in rows]

    async def weight(self) -> Weight:
        return Weight(*(await self._connection.fetch(_WEIGHT))[0])

    async def weight_of(self, flow_key: int) -> Weight:
        rows = await self._connection.fetch(_WEIGHT_OF, (flow_key,))
        return total(weigh(size, accesses).times(number) for size, accesses, number in rows)

    async def apart(self, after: int, limit: int) -> tuple[Weight, int | None]:
        rows = await self._connection.fetch(_APART, (after, limit))
        found = total(
            weigh(size, accesses).times(living if is_init else min(1 - living, 0))
            for _, size, accesses, is_init, living in rows
        )
        return found, rows[-1][0] if rows else None

    async def objects(self, part: Slice, query: AnalyticsQuery, limit: int) -> StoredObjects:
        known = {**_given(query, OBJECT_FILTERS), **_given(query, FLOW_FILTERS)}
        asked = (part.after[0], part.upto[0], limit, *known.values())
        rows = await self._connection.fetch(passing(tuple(known)), asked)
        [(_, _, *numbers, oldest)] = [row for row in rows if row[0] == ALL]
        most, least = (
            _read([row[1:5] for row in rows if row[0] == kind]) for kind in (MOST, LEAST)
        )
        return StoredObjects(
            Weight(*numbers), most, least, None if oldest is None else moment(oldest)
        )

    async def most_read(self, limit: int) -> Sequence[ReadObject]:
        return _read(await self._connection.fetch(_MOST_READ, (limit,)))

    async def least_read(self, limit: int) -> Sequence[ReadObject]:
        return _read(await self._connection.fetch(_LEAST_READ, (limit,)))

    async def never_read(self, part: Slice, limit: int) -> Sequence[ReadObject]:
        asked = (part.after[0], part.upto[0], limit)
        return _read(await self._connection.fetch(_NEVER_READ, asked))

    async def oldest(self) -> datetime | None:
        rows = await self._connection.fetch(_OLDEST)
        return moment(rows[0][0]) if rows else None

    async def numbers(self, now: datetime) -> Mapping[str, int]:
        [row] = await self._connection.fetch(_NUMBERS, (microseconds(now),))
        return dict(zip(_NUMBERED, row, strict=True))

    async def segments(self) -> int:
        return int((await self._connection.fetch(_SEGMENTS))[0][0])

    async def uncounted(self) -> Sequence[int]:
        return [row[0] for row in await self._connection.fetch(_UNCOUNTED)]

    async def count(self, flow_key: int) -> None:
        if not await self._connection.fetch(_LOCK, (flow_key,)):
            return
        rollup, low = Rollup(), -LIMIT - 1
        while spans := await self.spans(flow_key, low, LIMIT + 2, _SLICE):
            rollup.add([start for start, _ in spans], [end for _, end in spans])
            low = spans[-1][0] + 1
        weight = await self.weight_of(flow_key)
        values = (flow_key, rollup.segments, rollup_text(rollup), *weight)
        await self._connection.execute(_COUNT, values)

    async def _flows(
        self,
        columns: str,
        query: AnalyticsQuery,
        filters: Mapping[str, str],
        after: int,
        limit: int,
    ) -> Sequence[Row]:
        known = _given(query, filters)
        return await self._connection.fetch(
            _flows(columns, tuple(known)), (after, limit, *known.values())
        )


def _given(query: AnalyticsQuery, filters: Mapping[str, str]) -> dict[str, str | int]:
    """The values of those of these filters that are on."""
    given = {name: getattr(query, name) for name in filters}
    return {
        name: microseconds(value) if isinstance(value, datetime) else str(value)
        for name, value in given.items()
        if value is not None
    }


@lru_cache(maxsize=128)
def _flows(columns: str, names: Sequence[str]) -> Written:
    where = conditions(names, FLOW_FILTERS | FLOW_TIMES, 3)
    return Written.same(
        f"""SELECT {columns} FROM flow f WHERE f.gone_at IS NULL AND f.pk > ?1{where}
ORDER BY f.pk LIMIT ?2"""
    )


def _read(rows: Sequence[Row]) -> list[ReadObject]:
    return [
        ReadObject(object_id, size, accesses, None if last is None else moment(last))
        for object_id, size, accesses, last in rows
    ]
