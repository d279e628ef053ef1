"""What Objects add to the numbers of the Flows that refer to them, when that changes.

A Flow's numbers change under the lock of its row alone, and with them what its Objects weigh: so
whoever changes that locks the Flows first, then the Objects, as a registration does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.statements import Rows, Written
from tams.domain.rollups import Weight, total, weigh

T = TypeVar("T")

# From Flow to Flow along an index, since a Flow may have any number of such Segments. The bound is
# a pair and the order names both columns, else PostgreSQL may take another index; and it is `>=`,
# since SQLite would begin a `>` at the first Segment of the Flow before.
FLOWS_BY = """WITH RECURSIVE hop(flow_pk) AS (SELECT CAST(0 AS bigint) UNION ALL
    SELECT (SELECT s.flow_pk FROM segment s
        WHERE (s.{column}, s.flow_pk) >= ({key}, hop.flow_pk + 1) AND s.{column} <= {key}
        ORDER BY s.{column}, s.flow_pk LIMIT 1) FROM hop WHERE hop.flow_pk IS NOT NULL)
SELECT hop.flow_pk FROM hop"""

_FLOWS = """CASE WHEN o.start_ns IS NOT NULL THEN (SELECT {}(u.flow_pk){} FROM ({}) u
    WHERE u.flow_pk IS NOT NULL) END"""
_OF_MEDIA = FLOWS_BY.format(column="object_pk", key="o.pk")
_FIND = """SELECT o.id, o.pk, o.size, coalesce(o.access_count, 0), o.last_accessed,
    o.start_ns IS NOT NULL OR o.is_init IS NOT NULL, {} FROM object o WHERE o.id {}"""
_FOUND = Written(
    _FIND.format(
        _FLOWS.format("json_group_array", "", _OF_MEDIA), "IN (SELECT value FROM json_each(?1))"
    ),
    _FIND.format(_FLOWS.format("json_agg", "::text", _OF_MEDIA), "= ANY($1::text[])"),
)
# In the order in which all take these locks, each kind in a statement of its own: what comes after
# sees what others had done before they let go. SQLite has one writer, who needs none.
_LOCK_FLOWS = Written(
    "SELECT f.pk FROM flow f WHERE f.pk IN (SELECT value FROM json_each(?1))",
    "SELECT f.pk FROM flow f WHERE f.pk = ANY($1::bigint[]) ORDER BY f.pk FOR UPDATE",
)
_LOCK_OBJECTS = Written(
    "SELECT json_valid(?1)",
    "SELECT pk FROM object WHERE id = ANY($1::text[]) ORDER BY pk FOR UPDATE",
)
_CHANGE = """UPDATE object SET size = v.size, access_count = nullif(v.accesses, 0),
    last_accessed = v.last"""
_CHANGED = "v(pk, size, accesses, last)"
_WRITE = Rows.written(
    f"WITH {_CHANGED} AS (VALUES {{rows}}) {_CHANGE} FROM v WHERE object.pk = v.pk",
    f"{_CHANGE} FROM {{rows}} AS {_CHANGED} WHERE object.pk = v.pk",
    "bigint", "bigint", "bigint", "bigint",
)  # fmt: skip
_ADD = "UPDATE flow SET " + ", ".join(f"{each} = flow.{each} + v.{each}" for each in Weight._fields)
_ADDED = f"v(pk, {', '.join(Weight._fields)})"
_WEIGH = Rows.written(
    f"WITH {_ADDED} AS (VALUES {{rows}}) {_ADD} FROM v WHERE flow.pk = v.pk",
    f"{_ADD} FROM {{rows}} AS {_ADDED} WHERE flow.pk = v.pk",
    *["bigint"] * (1 + len(Weight._fields)),
)


class Weighed(NamedTuple):
    """An Object as it is weighed, and the keys of the Flows that have Segments of it."""

    key: int
    size: int | None
    accesses: int
    last_accessed: int | None
    is_registered: bool
    flows: frozenset[int]


async def reweigh(
    connection: Connection, given: Mapping[str, T], change: Callable[[Weighed, T], Weighed]
) -> None:
    """Change Objects, by id, and the numbers of their Flows; unknown ids are passed over."""
    left = dict(given)
    while left:
        flows = {key for one in (await _found(connection, left)).values() for key in one.flows}
        if flows:
            await connection.fetch(_LOCK_FLOWS, (sorted(flows),))
        await connection.execute(_LOCK_OBJECTS, (list(left),))
        found = await _found(connection, left)
        # A Flow that came meanwhile is locked next time; with the Objects locked, none can follow.
        late = {object_id for object_id, one in found.items() if one.flows - flows}
        await _write(
            connection,
            [(one, change(one, left[key])) for key, one in found.items() if key not in late],
        )
        left = {object_id: left[object_id] for object_id in late}


async def _found(connection: Connection, ids: Mapping[str, object]) -> Mapping[str, Weighed]:
    rows = await connection.fetch(_FOUND, (list(ids),))
    return {
        object_id: Weighed._make((*facts, frozenset(json.loads(told) if told else ())))
        for object_id, *facts, told in rows
    }


async def _write(connection: Connection, changes: list[tuple[Weighed, Weighed]]) -> None:
    added: dict[int, list[Weight]] = {}
    for old, new in changes:
        less, more = weigh(old.size, old.accesses).times(-1), weigh(new.size, new.accesses)
        for flow in old.flows:
            added.setdefault(flow, []).extend((less, more))
    rows = [(new.key, new.size, new.accesses, new.last_accessed) for _, new in changes]
    weights = [(flow, *total(some)) for flow, some in sorted(added.items())]
    await connection.hold_rows(_WRITE, sorted(rows))
    await connection.hold_rows(_WEIGH, [row for row in weights if any(row[1:])])
    # At once: a registration in the same work may write the same rows.
    await connection.flush()
