"""What is asked of a slice of rows to find what is wrong with them.

?1 is where the slice before ended, ?2 where this one does. Each row found is a key of two parts and
what an operator calls it.
"""

from __future__ import annotations

from tams.catalogue.promises.inspection import Noun
from tams.catalogue.sql.statements import Written
from tams.domain.faults import FaultKind
from tams.domain.jobs import JOB_KINDS

TABLES: dict[Noun, str] = {
    "Flows": "flow",
    "Sources": "source",
    "Objects": "object",
    "jobs": "job",
    "copies": "place",
    "deletion requests": "deletion_request",
    "webhooks": "webhook",
    "log": "log",
}
"""Those whose key is `pk`; Segments have a key of two parts, and a statement of their own."""

_KINDS = ", ".join(f"'{kind}'" for kind in JOB_KINDS)
_IN_SLICE = "t.pk > ?1 AND t.pk <= ?2"


def _probe(subject: str, condition: str, table: str, key: str = "t.pk, 0") -> Written:
    return Written.same(f"SELECT {key}, {subject} FROM {table} WHERE {_IN_SLICE} AND {condition}")


def _of_flows(condition: str) -> Written:
    return _probe("'Flow ' || t.id", f"t.gone_at IS NULL AND {condition}", "flow t")


def _of_objects(condition: str) -> Written:
    return _probe("'Object ' || t.id", condition, "object t")


def _queued(kinds: str, subject: str) -> tuple[str, str]:
    """Whether a job of these kinds is queued: each engine has one way that is not a nested loop."""
    return (
        f"{subject} IN (SELECT subject FROM job WHERE kind IN ({kinds}))",
        f"EXISTS (SELECT 1 FROM job j WHERE j.kind IN ({kinds}) AND j.subject = {subject})",
    )


def each(table: str, name: str, column: str, value: str, kind: str = "JOIN") -> tuple[str, str]:
    """A join by index, row for row: PostgreSQL would rather read a whole table for each slice."""
    return (
        f"{kind} {table} {name} ON {name}.{column} = {value}",
        f"{kind} LATERAL (SELECT * FROM {table} WHERE {column} = {value} OFFSET 0) {name} ON true",
    )


def written(statement: str, **parts: tuple[str, str]) -> Written:
    """A statement that names in braces what SQLite and PostgreSQL are told in different ways."""
    texts = [
        statement.format(**{name: part[engine] for name, part in parts.items()})
        for engine in (0, 1)
    ]
    return Written(texts[0], texts[1].replace("?", "$"))


def _exists(rows: str) -> str:
    """As `each` does, for what need only be there."""
    return f"EXISTS (SELECT 1 FROM {rows} LIMIT 1 OFFSET 0)"


_HAS_INSTANCE = _exists("instance i WHERE i.object_pk = t.pk")
IS_OPEN = "status IN ('created', 'started')"

PROBES: dict[Noun, dict[FaultKind, Written]] = {
    "Flows": {
        FaultKind.FLOW_WITHOUT_SOURCE: _of_flows(
            f"NOT {_exists('source s WHERE s.id = t.source_id')}"
        ),
        FaultKind.FLOW_WITHOUT_PROFILE: _of_flows(
            f"t.profile_id IS NOT NULL AND NOT {_exists('profile p WHERE p.id = t.profile_id')}"
        ),
        FaultKind.FLOW_DELETIONS: _of_flows(
            f"""coalesce(t.deletions, 0) <> (SELECT count(*) FROM deletion_request d
    WHERE d.flow_pk = t.pk AND d.{IS_OPEN} AND d.delete_flow = 0)"""
        ),
        FaultKind.FLOW_ORDINAL: _of_flows(
            """t.ordinal < (SELECT max(e.ordinal) FROM event e
    WHERE e.entity_id = t.id AND e.kind = 'flow')"""
        ),
        FaultKind.FLOW_UPDATED: _of_flows(
            "t.segments_updated IS NULL AND EXISTS (SELECT 1 FROM segment s WHERE s.flow_pk = t.pk)"
        ),
        FaultKind.FLOW_LEFT: written(
            f"""SELECT t.pk, 0, 'removed Flow ' || t.id FROM flow t
WHERE {_IN_SLICE} AND t.gone_at IS NOT NULL AND t.kept_by IS NULL AND NOT {{queued}}""",
            queued=_queued("'remove_flow'", "t.pk"),
        ),
        FaultKind.COLLECTION_ITEM: _probe(
            "'Flow ' || t.id || ', item ' || c.position || ' of its collection'",
            "(t.gone_at IS NOT NULL OR NOT"
            f" {_exists('flow m WHERE m.pk = c.member_pk AND m.gone_at IS NULL')})",
            "flow t JOIN flow_collection c ON c.collector_pk = t.pk",
            "c.collector_pk, c.position",
        ),
    },
    "Sources": {
        FaultKind.SOURCE_ORDINAL: _probe(
            "'Source ' || t.id",
            """t.ordinal < (SELECT max(e.ordinal) FROM event e
    WHERE e.entity_id = t.id AND e.kind = 'source')""",
            "source t",
        ),
    },
    "Objects": {
        FaultKind.OBJECT_WITHOUT_INIT: _of_objects(
            "t.init_pk IS NOT NULL AND NOT "
            + _exists(
                "object i WHERE i.pk = t.init_pk AND i.removable_at IS NULL AND i.is_init = 1"
            )
        ),
        FaultKind.OBJECT_WITHOUT_INSTANCE: _of_objects(
            f"t.removable_at IS NULL AND t.key IS NULL AND NOT {_HAS_INSTANCE}"
        ),
        FaultKind.OBJECT_INSTANCES: _of_objects(f"t.others IS NULL AND {_HAS_INSTANCE}"),
        FaultKind.OBJECT_UNUSED: _of_objects(
            "t.start_ns IS NOT NULL AND t.removable_at IS NULL"
            f" AND NOT {_exists('segment s WHERE s.object_pk = t.pk')}"
        ),
        FaultKind.OBJECT_FORGOTTEN: _of_objects(
            "t.start_ns IS NULL AND t.expires IS NULL AND t.removable_at IS NULL"
            f" AND NOT {_exists('object m WHERE m.init_pk = t.pk')}"
        ),
        FaultKind.OBJECT_EXPIRING: _of_objects(
            "t.expires IS NOT NULL AND (t.start_ns IS NOT NULL OR t.is_init = 1)"
        ),
        FaultKind.OBJECT_LEFT: written(
            f"""SELECT t.pk, 0, 'condemned Object ' || t.id FROM object t
WHERE {_IN_SLICE} AND t.removable_at IS NOT NULL AND NOT {{queued}}""",
            queued=_queued("'remove_object'", "t.pk"),
        ),
    },
    "jobs": {
        FaultKind.JOB_UNKNOWN: _probe(
            "'job ' || t.pk || ' of the kind ' || t.kind", f"t.kind NOT IN ({_KINDS})", "job t"
        ),
    },
    "copies": {
        # With a condemned Object go its places that are on their way out.
        FaultKind.PLACE_LEFT: written(
            f"""SELECT t.pk, 0, 'bytes at ' || t.key FROM place t
WHERE {_IN_SLICE} AND NOT {{queued}} AND (t.incoming = 1 OR NOT EXISTS
    (SELECT 1 FROM object o WHERE o.pk = t.object_pk AND o.removable_at IS NOT NULL))""",
            queued=_queued("'copy_object', 'remove_copy'", "t.pk"),
        ),
    },
    "deletion requests": {
        # That of a Flow whose row is there is missed by the row.
        FaultKind.REQUEST_LEFT: written(
            f"""SELECT t.pk, 0, 'deletion request ' || t.id FROM deletion_request t
WHERE {_IN_SLICE} AND t.{IS_OPEN} AND CASE WHEN t.delete_flow = 0 THEN NOT {{slices}}
    ELSE NOT {{rows}} AND NOT EXISTS (SELECT 1 FROM flow f WHERE f.pk = t.flow_pk) END""",
            slices=_queued("'delete_segments'", "t.pk"),
            rows=_queued("'remove_flow'", "t.flow_pk"),
        ),
    },
    "webhooks": {
        FaultKind.WEBHOOK_AHEAD: _probe(
            "'webhook ' || t.id", "t.position > (SELECT published FROM log)", "webhook t"
        ),
    },
    "log": {
        FaultKind.LOG_BEHIND: _probe(
            "'the log of events'", "t.published < (SELECT max(number) FROM event)", "log t"
        ),
    },
}

# A Segment overlaps the one before it if any. The first row is there for that alone.
SEGMENT_FAULTS = written(
    """SELECT * FROM (SELECT CASE
    WHEN f.pk IS NULL THEN 'segment-without-flow'
    WHEN f.gone_at IS NOT NULL AND f.kept_by IS NULL THEN NULL
    WHEN s.end_ns <= s.start_ns THEN 'segment-reversed'
    WHEN s.end_before > s.start_ns THEN 'segment-overlap'
    WHEN o.pk IS NULL THEN 'segment-without-object'
    WHEN o.start_ns IS NULL OR o.removable_at IS NOT NULL THEN 'segment-of-unregistered-object'
    WHEN s.init_pk IS DISTINCT FROM o.init_pk THEN 'segment-init'
    WHEN s.registered > f.ordinal THEN 'segment-ordinal' END AS kind,
    s.flow_pk, s.start_ns, s.end_ns, f.id AS flow_id, o.id AS object_id
FROM (SELECT flow_pk, start_ns, end_ns, object_pk, init_pk, registered,
        lag(end_ns) OVER (PARTITION BY flow_pk ORDER BY start_ns) AS end_before
    FROM segment WHERE (flow_pk, start_ns) >= (?1, ?2) AND (flow_pk, start_ns) <= (?3, ?4)) s
{flow}
{object}
WHERE (s.flow_pk, s.start_ns) > (?1, ?2)) found WHERE kind IS NOT NULL""",
    flow=each("flow", "f", "pk", "s.flow_pk", "LEFT JOIN"),
    object=each("object", "o", "pk", "s.object_pk", "LEFT JOIN"),
)
NEXT_SEGMENTS = Written.same(
    """SELECT flow_pk, start_ns, number FROM
    (SELECT flow_pk, start_ns, row_number() OVER (ORDER BY flow_pk, start_ns) AS number
    FROM (SELECT flow_pk, start_ns FROM segment WHERE (flow_pk, start_ns) > (?1, ?2)
        ORDER BY flow_pk, start_ns LIMIT ?3) s) counted
ORDER BY number DESC LIMIT 1"""
)
NEXT_ROWS = {
    noun: Written.same(
        f"""SELECT max(pk), count(*) FROM
    (SELECT pk FROM {table} WHERE pk > ?1 ORDER BY pk LIMIT ?2) t"""
    )
    for noun, table in TABLES.items()
}
