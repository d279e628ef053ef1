"""The catalogue against itself and against the storages: slices of rows, and probes into each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select

from tams.catalogue.promises.inspection import Holder, Inspection, Noun, Removal, Slice
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.mends import MENDS, UNCOUNT
from tams.catalogue.sql.moments import microseconds, moment
from tams.catalogue.sql.objects import HELD, HELD_INIT, SQLObjects
from tams.catalogue.sql.probes import (
    NEXT_ROWS,
    NEXT_SEGMENTS,
    PROBES,
    SEGMENT_FAULTS,
    each,
    written,
)
from tams.catalogue.sql.schema import segment
from tams.catalogue.sql.statements import Written
from tams.domain.faults import Fault, FaultKind
from tams.domain.jobs import Job
from tams.domain.timerange import TimeRange

_NOUN_OF: dict[FaultKind, Noun] = {kind: noun for noun, kinds in PROBES.items() for kind in kinds}


def _among(column: str, parameter: str) -> tuple[str, str]:
    """Whether a text is in a list."""
    return (
        f"{column} IN (SELECT value FROM json_each({parameter}))",
        f"{column} = ANY({parameter}::text[])",
    )


_ID = "(SELECT o.id FROM object o WHERE o.pk = {}.object_pk)"
# Whatever becomes of a place, it stays with its Object: one snapshot of the Object sees it.
_HOLDERS = written(
    """SELECT o.pk, o.id, o.storage_id, o.key, 1 FROM object o
WHERE {ids} AND o.key IS NOT NULL
UNION ALL SELECT i.object_pk, o.id, i.storage_id, i.key, 1
FROM object o {instance} WHERE {ids} AND i.key IS NOT NULL
UNION ALL SELECT p.object_pk, o.id, p.storage_id, p.key, 0 FROM object o {place} WHERE {ids}""",
    ids=_among("o.id", "?1"),
    instance=each("instance", "i", "object_pk", "o.pk"),
    place=each("place", "p", "object_pk", "o.pk"),
)
_HOLDING = written(
    f"""SELECT o.pk, o.id, o.storage_id, o.key, 1 FROM object o
WHERE o.pk > ?1 AND o.pk <= ?2 AND o.storage_id = ?3 AND {{object}}
UNION ALL SELECT i.object_pk, {_ID.format("i")}, i.storage_id, i.key, 1 FROM instance i
WHERE i.object_pk > ?1 AND i.object_pk <= ?2 AND i.storage_id = ?3 AND {{instance}}
UNION ALL SELECT p.object_pk, {_ID.format("p")}, p.storage_id, p.key, 0 FROM place p
WHERE p.object_pk > ?1 AND p.object_pk <= ?2 AND p.storage_id = ?3 AND {{place}}""",
    object=_among("o.key", "?4"),
    instance=_among("i.key", "?4"),
    place=_among("p.key", "?4"),
)
_SHOWN = """o.pk > ?1 AND o.pk <= ?2 AND o.removable_at IS NULL
    AND (o.start_ns IS NOT NULL OR o.is_init = 1)"""
_INSTANCES = Written.same(
    f"""SELECT o.pk, o.id, o.storage_id, o.key, 1 FROM object o
WHERE {_SHOWN} AND o.key IS NOT NULL
UNION ALL SELECT o.pk, o.id, i.storage_id, i.key, 1
FROM instance i JOIN object o ON o.pk = i.object_pk
WHERE i.object_pk > ?1 AND i.object_pk <= ?2 AND {_SHOWN} AND i.key IS NOT NULL
ORDER BY 1"""
)
_BACKENDS = Written.same(
    """SELECT storage_id, count(*) FROM (SELECT storage_id FROM object
    WHERE pk > ?1 AND pk <= ?2 AND key IS NOT NULL
UNION ALL SELECT storage_id FROM instance
    WHERE object_pk > ?1 AND object_pk <= ?2 AND key IS NOT NULL
UNION ALL SELECT storage_id FROM place WHERE object_pk > ?1 AND object_pk <= ?2) u
GROUP BY storage_id"""
)
# The change in which a Segment came has an event, if it is not so old that it has expired.
_IS_NEEDED = Written.same(
    f"""SELECT 1 FROM object o WHERE o.pk = ?1 AND o.removable_at IS NULL
AND (o.storage_id = ?2 AND o.key = ?3 OR EXISTS (SELECT 1 FROM instance i
    WHERE i.object_pk = o.pk AND i.storage_id = ?2 AND i.key = ?3))
AND ({HELD} OR {HELD_INIT})
AND NOT EXISTS (SELECT 1 FROM event e WHERE e.kind = 'flow' AND e.occurred >= ?4
    AND (e.entity_id, e.ordinal) = (SELECT f.id, s.registered + 1
        FROM segment s JOIN flow f ON f.pk = s.flow_pk
        WHERE s.object_pk = o.pk OR s.init_pk = o.pk
        ORDER BY s.flow_pk, s.start_ns LIMIT 1))"""
)
_QUEUED = Written.same("SELECT kind, subject, due FROM job WHERE pk > ?1 AND pk <= ?2")
_OF_SLICE = "WHERE j.pk > ?1 AND j.pk <= ?2 AND j.kind ="
_REMOVALS = written(
    f"""SELECT j.due, o.storage_id, o.key FROM job j {{object}}
{_OF_SLICE} 'remove_object' AND o.key IS NOT NULL AND o.removable_at IS NOT NULL
UNION ALL SELECT j.due, i.storage_id, i.key FROM job j {{instance}}
{_OF_SLICE} 'remove_object' AND i.key IS NOT NULL
UNION ALL SELECT j.due, p.storage_id, p.key FROM job j {{place}} {_OF_SLICE} 'remove_object'
UNION ALL SELECT j.due, p.storage_id, p.key FROM job j {{copy}} {_OF_SLICE} 'remove_copy'""",
    object=each("object", "o", "pk", "j.subject"),
    instance=each("instance", "i", "object_pk", "j.subject"),
    place=each("place", "p", "object_pk", "j.subject"),
    copy=each("place", "p", "pk", "j.subject"),
)
_EXPIRING = Written.same(
    """SELECT expires, storage_id, key FROM object
WHERE pk > ?1 AND pk <= ?2 AND expires IS NOT NULL AND kept_by IS NULL"""
)
# PostgreSQL takes a slice for far more than it is, and compiles at length what runs for a moment.
_AS_IT_COMES = Written(
    "SELECT 1",
    "SELECT set_config('jit', 'off', true) WHERE current_setting('jit', true) IS NOT NULL",
)
_OBJECT_OF = select(segment.c.object_pk).where(
    segment.c.flow_pk == bindparam("pk"), segment.c.start_ns == bindparam("at")
)


class SQLInspection(Inspection):
    """Asks by ranges of keys, so that no statement takes long in a store of any size."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def next_slice(self, noun: Noun, after: tuple[int, int], limit: int) -> Slice | None:
        if noun == "Segments":
            rows = await self._connection.fetch(NEXT_SEGMENTS, (*after, limit))
            return Slice(noun, after, (rows[0][0], rows[0][1]), rows[0][2]) if rows else None
        [(last, number)] = await self._connection.fetch(NEXT_ROWS[noun], (after[0], limit))
        return None if last is None else Slice(noun, after, (last, 0), number)

    async def faults(self, part: Slice) -> Sequence[Fault]:
        await self._connection.execute(_AS_IT_COMES)
        if part.noun == "Segments":
            return await self._segment_faults(part)
        found = []
        for kind, probe in PROBES[part.noun].items():
            rows = await self._connection.fetch(probe, (part.after[0], part.upto[0]))
            found += [Fault(kind, (pk, at), subject) for pk, at, subject in rows]
        return found

    async def _segment_faults(self, part: Slice) -> Sequence[Fault]:
        rows = await self._connection.fetch(SEGMENT_FAULTS, (*part.after, *part.upto))
        found, behind = [], set()
        for name, flow_pk, start, end, flow_id, object_id in rows:
            kind = FaultKind(name)
            if kind is FaultKind.SEGMENT_ORDINAL:
                # A fault of the Flow: once is enough.
                if flow_pk in behind:
                    continue
                behind.add(flow_pk)
            subject = f"Segment {_shown(start, end)} of Flow {flow_id or f'with the key {flow_pk}'}"
            fault = Fault(kind, (flow_pk, start), f"{subject}, Object {object_id or 'unknown'}")
            found.append(fault)
        return found

    async def backends(self, part: Slice) -> Mapping[str, int]:
        rows = await self._connection.fetch(_BACKENDS, (part.after[0], part.upto[0]))
        return {row[0]: row[1] for row in rows}

    async def holders(self, object_ids: Iterable[str]) -> Sequence[Holder]:
        return _holders(await self._connection.fetch(_HOLDERS, (list(object_ids),)))

    async def holding(
        self, part: Slice, storage_id: str, places: Collection[str]
    ) -> Sequence[Holder]:
        asked = (part.after[0], part.upto[0], storage_id, list(places))
        return _holders(await self._connection.fetch(_HOLDING, asked))

    async def instances(self, part: Slice) -> Sequence[Holder]:
        asked = (part.after[0], part.upto[0])
        return _holders(await self._connection.fetch(_INSTANCES, asked))

    async def is_needed(self, holder: Holder, registered_before: datetime) -> bool:
        asked = (holder.key, holder.storage_id, holder.place, microseconds(registered_before))
        return bool(await self._connection.fetch(_IS_NEEDED, asked))

    async def mend(self, fault: Fault, now: datetime, due: datetime) -> bool:
        if not await self._is_still(fault):
            return False
        objects = SQLObjects(self._connection)
        if fault.kind is FaultKind.OBJECT_UNUSED:
            return bool(await objects.condemn([fault.key[0]], due))
        owners = []
        if fault.kind is FaultKind.SEGMENT_WITHOUT_FLOW:
            owners = [row[0] for row in await self._connection.fetch(_OBJECT_OF, _key(fault))]
        values = {**_key(fault), "now": microseconds(now), "due": microseconds(due)}
        await self._connection.execute(MENDS[fault.kind], values)
        if fault.kind is FaultKind.SEGMENT_WITHOUT_OBJECT:
            await self._connection.execute(UNCOUNT, {"pk": fault.key[0]})
        await objects.condemn(owners, due)
        return True

    async def queued(self, part: Slice) -> Sequence[Job]:
        rows = await self._connection.fetch(_QUEUED, (part.after[0], part.upto[0]))
        return [Job(kind=kind, subject=subject, due=moment(due)) for kind, subject, due in rows]

    async def removals(self, part: Slice) -> Sequence[Removal]:
        return await self._removals(_REMOVALS, part)

    async def expiring(self, part: Slice) -> Sequence[Removal]:
        return await self._removals(_EXPIRING, part)

    async def _removals(self, statement: Written, part: Slice) -> Sequence[Removal]:
        rows = await self._connection.fetch(statement, (part.after[0], part.upto[0]))
        return [Removal(moment(due), *where) for due, *where in rows]

    async def _is_still(self, fault: Fault) -> bool:
        pk, at = fault.key
        noun = _NOUN_OF.get(fault.kind, "Segments")
        after = (pk, at - 1) if noun == "Segments" else (pk - 1, 0)
        found = await self.faults(Slice(noun, after, (pk, at), 1))
        return any((each.kind, each.key) == (fault.kind, fault.key) for each in found)


def _key(fault: Fault) -> dict[str, int]:
    return {"pk": fault.key[0], "at": fault.key[1]}


def _holders(rows: Sequence[Sequence[object]]) -> Sequence[Holder]:
    return [Holder._make((*row[:4], bool(row[4]))) for row in rows]


def _shown(start: int, end: int) -> str:
    return str(TimeRange(start, end)) if start < end else f"from {start} to {end} ns"
