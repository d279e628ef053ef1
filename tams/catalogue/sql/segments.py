"""Segments: the hot statements, written by hand.

They say what SQLAlchemy cannot: which table is read first, and from where to where, so that the
cost of a page or of a registration does not depend on the length of the Flow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from tams.catalogue.promises.segments import MAX_SEGMENTS, Deleted, Extent, Segments
from tams.catalogue.sql.connection import Connection, Row
from tams.catalogue.sql.moments import microseconds
from tams.catalogue.sql.objects import INIT_OBJECT, find_others
from tams.catalogue.sql.schema import instance, object_, segment
from tams.catalogue.sql.segment_pages import PAGES, Shape, count_of, tagged_page
from tams.catalogue.sql.segment_removal import (
    Found,
    find_extent,
    find_in_the_way,
    find_of_removed,
    find_slice,
    note_change,
    take,
    uncount,
)
from tams.catalogue.sql.segment_survey import SURVEY
from tams.catalogue.sql.segment_tags import drop_tags
from tams.catalogue.sql.statements import Rows, Written
from tams.domain.deletions import DeletionRequest
from tams.domain.flows import LockedFlow
from tams.domain.objects import InitObject
from tams.domain.pages import Page, PageRequest
from tams.domain.registration import Accepted, KnownObject, Neighbour, Survey
from tams.domain.rollups import UNMEASURED, Measured, Weight, total, weigh
from tams.domain.segments import NOTHING_MORE, NewSegment, PlainSegment, Segment, SegmentQuery
from tams.domain.timerange import TimeRange
from tams.domain.tuples import made
from tams.errors import Invalid

_EARLIEST, _LATEST = -(2**63), 2**63 - 1
# The letter keeps a page number, which some clients try, from passing for a key.
_PAGE_KEY = re.compile(r"s(-?[0-9]{1,19})", re.ASCII)

_REGISTRATION = """UPDATE object SET first_flow_pk = v.flow_pk, start_ns = v.start_ns,
    end_ns = v.end_ns, end_inclusive = v.end_inclusive, key_frame_count = v.key_frame_count,
    init_pk = v.init_pk, expires = NULL"""
_REGISTERED = "v(pk, flow_pk, start_ns, end_ns, end_inclusive, key_frame_count, init_pk)"
_REGISTER = Rows.written(
    f"WITH {_REGISTERED} AS (VALUES {{rows}}) {_REGISTRATION} FROM v WHERE object.pk = v.pk",
    f"{_REGISTRATION} FROM {{rows}} AS {_REGISTERED} WHERE object.pk = v.pk",
    "bigint", "bigint", "bigint", "bigint", "smallint", "bigint", "bigint",
)  # fmt: skip
# What most registrations are, in a third of the parameters: an Object of the Segment's own times.
_REGISTER_PLAIN = Rows.written(
    """UPDATE object SET first_flow_pk = ?1, start_ns = v.column2, end_ns = v.column3,
    end_inclusive = 0, expires = NULL FROM (VALUES {rows}) v WHERE object.pk = v.column1""",
    """UPDATE object SET first_flow_pk = $1, start_ns = v.start_ns, end_ns = v.end_ns,
    end_inclusive = 0, expires = NULL FROM {rows} AS v(pk, start_ns, end_ns)
WHERE object.pk = v.pk""",
    "bigint", "bigint", "bigint", shared=1,
)  # fmt: skip
_REGISTER_INITS = Rows.written(
    """WITH v(pk) AS (VALUES {rows})
UPDATE object SET is_init = 1, apart = 1, expires = NULL FROM v WHERE object.pk = v.pk""",
    """UPDATE object SET is_init = 1, apart = 1, expires = NULL FROM {rows} AS v(pk)
WHERE object.pk = v.pk""",
    "bigint",
)
_SHARE = Rows.written(
    "WITH v(pk) AS (VALUES {rows}) UPDATE object SET apart = 1 FROM v WHERE object.pk = v.pk",
    "UPDATE object SET apart = 1 FROM {rows} AS v(pk) WHERE object.pk = v.pk",
    "bigint",
)
_ADD_OBJECTS = Rows.inserted(
    object_, "pk", "first_flow_pk", "start_ns", "end_ns", "end_inclusive", "key_frame_count",
    "init_pk", "id", "others", "created",
)  # fmt: skip
_ADD_INSTANCES = Rows.inserted(instance, "object_pk", "position", "url", "label")
_ADD_SEGMENTS = Rows.inserted(
    segment, "flow_pk", "start_ns", "end_ns", "end_inclusive", "object_pk", "registered",
    "ts_offset", "last_duration", "sample_offset", "sample_count", "init_pk",
)  # fmt: skip
_ADD_PLAIN = """INSERT INTO segment (flow_pk, registered, object_pk, start_ns, end_ns,
    end_inclusive, ts_offset) SELECT {}, {}, v.*, 0, 0 FROM {} v"""
_ADD_PLAIN_SEGMENTS = Rows.written(
    _ADD_PLAIN.format("?1", "?2", "(VALUES {rows})"),
    _ADD_PLAIN.format("$1::bigint", "$2::bigint", "{rows}"),
    "bigint", "bigint", "bigint", shared=2,
)  # fmt: skip

_UNREGISTERED = (None, None, None, UNMEASURED)

_PLACES = """SELECT o.id, o.storage_id, o.key, o.others, {} FROM object o
WHERE o.id {} AND o.removable_at IS NULL"""
_PLACES_OF = Written(
    _PLACES.format(INIT_OBJECT.sqlite, "IN (SELECT value FROM json_each(?1))"),
    _PLACES.format(INIT_OBJECT.postgresql, "= ANY($1::text[])"),
)


class SQLSegments(Segments):
    """Segments in one row each, found by the Flow's key and their start."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._reserved: dict[str, int] = {}
        self._keys: dict[str, int] = {}
        self._is_any_told = False

    async def survey(self, flow: LockedFlow, posts: Sequence[NewSegment]) -> Survey:
        ends = [_LATEST if (end := post.timerange.end) is None else end for post in posts]
        brought = list({post.object_id for post in posts if post.get_urls})
        rows = await self._connection.fetch(
            SURVEY, (flow.key, _named(flow, posts), ends, brought, min(ends), max(ends))
        )
        objects: dict[str, KnownObject] = {}
        neighbours: list[Neighbour] = []
        for part, object_id, key, state, owner, told in rows:
            if part == 0:
                facts = _UNREGISTERED if told is None else self._facts(told)
                objects[object_id] = made(KnownObject, (key, state, owner, *facts))
            elif part == 1:
                neighbours.append(Neighbour(*json.loads(told)))
            else:
                self._reserved[object_id] = key
        if flow.uses_init_segments:
            self._keys |= {object_id: known.key for object_id, known in objects.items()}
        return Survey(objects, sorted(neighbours))

    def _facts(self, told: str) -> Row:
        self._is_any_told = True
        if told[0] != "[":
            return (None, None, None, Measured(int(told), 0))
        (
            start, end, inclusive, count, init_id, init_key, is_used, size, accesses
        ) = json.loads(told)  # fmt: skip
        if init_id is not None:
            self._keys[init_id] = init_key
        new_here = None if is_used else Measured(size, accesses or 0)
        return TimeRange(start, end, bool(inclusive)), count, init_id, new_here

    async def add(self, flow: LockedFlow, accepted: Sequence[Accepted], at: datetime) -> None:
        if not accepted:
            return
        flow_key, ordinal, now = flow.key, note_change(self._connection, flow, at), microseconds(at)
        plain, others = _parted(accepted)
        self._count(flow, accepted, plain, others)
        registered, inits, external, segments, shared = [], [], [], [], []
        instances: list[Row] = []
        for new, known, post, init in others:
            (
                start, end, inclusive, object_id, ts_offset, last_duration, sample_offset,
                sample_count, object_start, object_end, object_inclusive, count, _, _, _, needed,
            ) = new  # fmt: skip
            key = self._reserved[object_id] if known is None or known.key < 0 else known.key
            init_key = None if needed is None else self._keys[needed.object_id]
            segments.append(
                (flow_key, start, end, int(inclusive), key, ordinal, ts_offset, last_duration,
                 sample_offset, sample_count, init_key)
            )  # fmt: skip
            if known is None or known.state == "allocated":
                times = object_start, object_end, int(object_inclusive)
                facts = (key, flow_key, *times, count, init_key)
                if known is not None:
                    registered.append(facts)
                else:
                    external.append((*facts, object_id, 1, now))
                    instances += _instances(key, post)
            elif known.new_here is not None:
                shared.append((key,))
            if init is not None and init.state == "allocated":
                inits.append((init.key,))
        # In the order of their keys they lie side by side: two thirds of the time on SQLite.
        await self._connection.hold_rows(_REGISTER_PLAIN, sorted(plain), (flow_key,))
        await self._connection.hold_rows(_REGISTER, sorted(registered))
        await self._connection.hold_rows(_REGISTER_INITS, inits)
        await self._connection.hold_rows(_SHARE, shared)
        await self._connection.hold_rows(_ADD_OBJECTS, external)
        await self._connection.hold_rows(_ADD_INSTANCES, instances)
        await self._connection.hold_rows(_ADD_PLAIN_SEGMENTS, plain, (flow_key, ordinal))
        await self._connection.hold_rows(_ADD_SEGMENTS, segments)

    async def list(
        self,
        flow_id: str,
        query: SegmentQuery,
        page: PageRequest,
        *,
        with_places: bool = True,
        with_object: bool = True,
    ) -> Page[PlainSegment]:
        wanted = query.timerange.clamped()
        after, high = _EARLIEST, _LATEST if wanted.end is None else wanted.end
        low = _EARLIEST if wanted.start is None else wanted.start
        if page.key is not None and page.reverse:
            high = min(high, _start(page.key))
        elif page.key is not None:
            after = _start(page.key) + 1
        if wanted.is_empty:
            return Page(())
        parameters: list[object] = [flow_id, low, high, page.limit + 1, after]
        if query.object_id is not None:
            parameters.append(query.object_id)
        shape = Shape(page.reverse, query.object_id is not None, with_places, with_object)
        statement = PAGES[shape]
        if query.tags:
            statement, tagged = tagged_page(shape, query.tags)
            parameters += tagged
        rows = await self._connection.fetch(statement, parameters)
        items = await self._whole(rows[: page.limit])
        next_key = f"s{items[-1][0]}" if len(rows) > page.limit else None
        return Page(items, next_key)

    async def count(self, flow_id: str, query: SegmentQuery) -> int:
        wanted = query.timerange.clamped()
        if wanted.is_empty:
            return 0
        low = _EARLIEST if wanted.start is None else wanted.start
        high = _LATEST if wanted.end is None else wanted.end
        statement, tagged = count_of(query.tags, by_object=query.object_id is not None)
        named = [] if query.object_id is None else [query.object_id]
        rows = await self._connection.fetch(statement, [flow_id, low, high, *named, *tagged])
        return int(rows[0][0])

    async def located(self, segments: Sequence[Segment]) -> Sequence[Segment]:
        ids = list({each.object_id for each in segments})
        places = {row[0]: row[1:] for row in await self._connection.fetch(_PLACES_OF, (ids,))}
        nowhere = (None,) * 4
        rows = [(*each[:-4], *places.get(each.object_id, nowhere)) for each in segments]
        return [made(Segment, whole) for whole in await self._whole(rows)]

    async def extent(self, flow: LockedFlow, query: SegmentQuery, most: int) -> Extent:
        return await find_extent(self._connection, flow.key, query, most)

    async def delete(
        self,
        flow: LockedFlow,
        query: SegmentQuery,
        at: datetime,
        limit: int = MAX_SEGMENTS,
        *,
        ordinal: int | None = None,
    ) -> Deleted:
        found, rest = await find_slice(self._connection, flow.key, query, limit)
        doomed = [each for each in found if ordinal is None or each.registered <= ordinal]
        return await self._take(flow, doomed, at, rest)

    async def make_way(
        self,
        flow: LockedFlow,
        posts: Sequence[NewSegment],
        requests: Sequence[DeletionRequest],
        at: datetime,
        limit: int = MAX_SEGMENTS,
    ) -> Deleted:
        found, rest = await find_in_the_way(self._connection, flow.key, posts, limit)
        doomed = [each for each in found if each.is_taken_by(requests)]
        return await self._take(flow, doomed, at, rest)

    async def remove_slice(
        self, key: int, limit: int = MAX_SEGMENTS, start: int | None = None
    ) -> Deleted:
        found, rest = await find_of_removed(self._connection, key, limit, start)
        if found:
            await drop_tags(self._connection, key, [each.start for each in found])
        return await take(self._connection, key, found, rest)

    async def _take(
        self, flow: LockedFlow, doomed: Sequence[Found], at: datetime, rest: int | None
    ) -> Deleted:
        if not doomed:
            return await take(self._connection, flow.key, doomed, rest)
        note_change(self._connection, flow, at)
        if self._connection.counter("flow", flow.id).is_tagged:
            await drop_tags(self._connection, flow.key, [each.start for each in doomed])
        deleted = await take(self._connection, flow.key, doomed, rest)
        await uncount(self._connection, flow, doomed, deleted.objects)
        return deleted

    def _count(
        self,
        flow: LockedFlow,
        accepted: Sequence[Accepted],
        plain: Sequence[Row],
        others: Sequence[Accepted],
    ) -> None:
        """Of plain Segments, of whose Objects nothing is known, it costs a tenth of the rest."""
        starts: Sequence[int]
        ends: Sequence[int]
        if others or self._is_any_told:
            starts, ends = [each[0].start for each in accepted], [each[0].end for each in accepted]
            weight = _brought(accepted)
        else:
            _, starts, ends = zip(*plain, strict=True)
            weight = Weight(len(plain))
        self._connection.counter("flow", flow.id).count(starts, ends, weight, 1)

    async def _whole(self, rows: Sequence[Row]) -> Sequence[PlainSegment]:
        """Most Objects need no other and lie in one place alone: their rows cost nothing more."""
        inits = {told: InitObject(*json.loads(told)) for told in {row[-1] for row in rows} if told}
        flagged = {row[3] for row in rows if row[-2]}
        flagged |= {init.object_id for init in inits.values() if init.others}
        if not (flagged or inits):
            return rows
        others = await find_others(self._connection, flagged) if flagged else {}
        inits = {
            told: init._replace(others=others.get(init.object_id)) for told, init in inits.items()
        }
        return [(*row[:-2], others.get(row[3]), inits.get(row[-1])) for row in rows]


def _brought(accepted: Sequence[Accepted]) -> Weight:
    """What Objects add to the numbers of a Flow that had no Segment of them."""
    unmeasured, others = 0, []
    for _, known, _, _ in accepted:
        found = UNMEASURED if known is None else known.new_here
        if found is UNMEASURED:
            unmeasured += 1
        elif found is not None:
            others.append(weigh(*found))
    return total((Weight(unmeasured), *others)) if others else Weight(unmeasured)


def _parted(accepted: Sequence[Accepted]) -> tuple[Sequence[Row], Sequence[Accepted]]:
    """The key, start and end of Segments whose new Objects cover just them, and all the others."""
    plain, others = [], []
    for each in accepted:
        new, known, post, _ = each
        if (
            post[2:] == NOTHING_MORE
            and known is not None
            and known.state == "allocated"
            and not new.end_inclusive
        ):
            plain.append((known.key, new.start, new.end))
        else:
            others.append(each)
    return plain, others


def _named(flow: LockedFlow, posts: Sequence[NewSegment]) -> list[str]:
    """Each once, in their order: Objects that were allocated together lie side by side."""
    named = dict.fromkeys([post.object_id for post in posts])
    if flow.uses_init_segments:
        inits = [post.init_object_id for post in posts if post.init_object_id is not None]
        named |= dict.fromkeys(inits)
    return list(named)


def _instances(key: int, post: NewSegment) -> Iterator[Row]:
    for position, place in enumerate(post.get_urls):
        yield key, position, place.url, place.label


def _start(key: str) -> int:
    match = _PAGE_KEY.fullmatch(key)
    if match is None or not _EARLIEST < int(match[1]) < _LATEST:
        raise Invalid("page", key, "it must be the key of a page of Segments")
    return int(match[1])
