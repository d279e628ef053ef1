"""What a registration reads, in one statement and so one round trip, whatever the batch."""

from __future__ import annotations

from tams.catalogue.sql.objects import LIVING, LIVING_INIT
from tams.catalogue.sql.statements import Written

_STATE = f"""CASE WHEN o.removable_at IS NOT NULL OR o.kept_by IS NOT NULL THEN 'condemned'
    WHEN o.is_init = 1 THEN CASE WHEN {LIVING_INIT} THEN 'init' ELSE 'condemned' END
    WHEN o.start_ns IS NULL THEN 'allocated'
    WHEN {LIVING} THEN 'registered' ELSE 'condemned' END"""
# Of an Object that is only allocated it is told no more than its size, if that is known already.
_FACTS = """CASE WHEN o.start_ns IS NOT NULL THEN {}(o.start_ns, o.end_ns, o.end_inclusive,
    o.key_frame_count, (SELECT i.id FROM object i WHERE i.pk = o.init_pk), o.init_pk,
    EXISTS (SELECT 1 FROM segment h
        WHERE h.object_pk = o.pk AND h.flow_pk = {} LIMIT 1 OFFSET 0),
    o.size, o.access_count){} ELSE CAST(o.size AS text) END"""
_NEIGHBOUR = """{}(s.start_ns, s.end_ns, s.end_inclusive, o.id, s.ts_offset, s.last_duration,
    s.sample_offset, s.sample_count){}"""

# One statement for the batch, hence one round trip: the named Objects (0), the Segments with the
# greatest start below an end, each once (1), and keys for Objects that may turn out to be new (2).
# What most Objects of a registration have not yet is told as JSON, so that a row is short.
# A batch often has one neighbour for all, that of the last end: the others are only looked for if a
# Segment starts between the first end (?5) and the last (?6). On PostgreSQL `OFFSET 0` keeps the
# planner from joining all Segments or Objects first; on SQLite `CROSS JOIN` does, and spares
# sorting the ids, as `IN` would.
_BETWEEN_ENDS = """SELECT 1 FROM segment
        WHERE flow_pk = ?1 AND start_ns >= ?5 AND start_ns < ?6 LIMIT 1"""
SURVEY = Written(
    f"""SELECT 0, o.id, o.pk, {_STATE}, o.allocated_for, {_FACTS.format("json_array", "?1", "")}
FROM json_each(?2) j CROSS JOIN object o ON o.id = j.value
UNION ALL
SELECT 1, NULL, NULL, NULL, NULL, {_NEIGHBOUR.format("json_array", "")}
FROM (SELECT max(start_ns) AS start_ns FROM segment WHERE flow_pk = ?1 AND start_ns < ?6
    UNION SELECT (SELECT max(p.start_ns) FROM segment p
        WHERE p.flow_pk = ?1 AND p.start_ns < j.value)
    FROM ({_BETWEEN_ENDS}) CROSS JOIN json_each(?3) j) n
CROSS JOIN segment s ON s.flow_pk = ?1 AND s.start_ns = n.start_ns
CROSS JOIN object o ON o.pk = s.object_pk
UNION ALL
SELECT 2, j.value, j.key + 1 +
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'object'), 0), NULL, NULL, NULL
FROM json_each(?4) j""",
    f"""WITH named AS (SELECT o.id, o.pk, {_STATE}, o.allocated_for,
    {_FACTS.format("json_build_array", "$1", "::text")}
FROM object o WHERE o.id = ANY($2::text[]) ORDER BY o.pk FOR UPDATE)
SELECT 0, named.* FROM named
UNION ALL
SELECT 1, NULL, NULL, NULL, NULL, {_NEIGHBOUR.format("json_build_array", "::text")}
FROM ((SELECT start_ns FROM segment WHERE flow_pk = $1 AND start_ns < $6
        ORDER BY start_ns DESC LIMIT 1)
    UNION SELECT p.start_ns FROM ({_BETWEEN_ENDS.replace("?", "$")}) b
    CROSS JOIN unnest($3::bigint[]) AS j(end_ns)
    CROSS JOIN LATERAL (SELECT start_ns FROM segment WHERE flow_pk = $1 AND start_ns < j.end_ns
        ORDER BY start_ns DESC LIMIT 1) p) n
CROSS JOIN LATERAL (SELECT * FROM segment
    WHERE flow_pk = $1 AND start_ns = n.start_ns OFFSET 0) s
CROSS JOIN LATERAL (SELECT id FROM object WHERE pk = s.object_pk OFFSET 0) o
UNION ALL
SELECT 2, e.id, nextval(pg_get_serial_sequence('object', 'pk')), NULL, NULL, NULL
FROM unnest($4::text[]) AS e(id)""",
)
