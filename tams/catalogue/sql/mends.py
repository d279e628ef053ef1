"""What a repair writes, after it has looked once more whether it must.

`pk` and `at` are the key of the fault, `now` and `due` when what is queued is due.
"""

from __future__ import annotations

from sqlalchemy import TextClause, text

from tams.catalogue.sql.probes import IS_OPEN
from tams.domain.faults import FaultKind
from tams.domain.rollups import Weight

_NOW, _DUE = "CAST(:now AS bigint)", "CAST(:due AS bigint)"


def _queue(kind: str, subject: str, due: str, table: str) -> str:
    return f"""INSERT INTO job (kind, subject, due, attempt)
SELECT {kind}, {subject}, {due}, 0 FROM {table} WHERE pk = :pk"""


def _raise(table: str, column: str, found: str) -> str:
    """Raise a number to one that was found; those who write meanwhile may have raised it more."""
    return f"UPDATE {table} SET {column} = ({found}) WHERE pk = :pk AND {column} < ({found})"


def _events_of(table: str) -> str:
    return f"""SELECT max(e.ordinal) FROM event e
    WHERE e.entity_id = {table}.id AND e.kind = '{table}'"""


_DELETE_SEGMENT = "DELETE FROM segment WHERE flow_pk = :pk AND start_ns = :at"

_WRITES = {
    FaultKind.SEGMENT_WITHOUT_FLOW: _DELETE_SEGMENT,
    FaultKind.SEGMENT_WITHOUT_OBJECT: _DELETE_SEGMENT,  # no page has shown it, so no event tells it
    FaultKind.SEGMENT_INIT: """UPDATE segment SET init_pk =
    (SELECT o.init_pk FROM object o WHERE o.pk = segment.object_pk)
WHERE flow_pk = :pk AND start_ns = :at""",
    FaultKind.SEGMENT_ORDINAL: _raise(
        "flow", "ordinal", "SELECT max(s.registered) FROM segment s WHERE s.flow_pk = flow.pk"
    ),
    FaultKind.FLOW_DELETIONS: f"""UPDATE flow SET deletions = (SELECT nullif(count(*), 0)
    FROM deletion_request d WHERE d.flow_pk = flow.pk AND d.{IS_OPEN} AND d.delete_flow = 0)
WHERE pk = :pk""",
    FaultKind.FLOW_ORDINAL: _raise("flow", "ordinal", _events_of("flow")),
    FaultKind.SOURCE_ORDINAL: _raise("source", "ordinal", _events_of("source")),
    FaultKind.FLOW_UPDATED: """UPDATE flow SET segments_updated = metadata_updated
WHERE pk = :pk AND segments_updated IS NULL""",
    FaultKind.COLLECTION_ITEM: """DELETE FROM flow_collection
WHERE collector_pk = :pk AND position = :at""",
    FaultKind.OBJECT_INSTANCES: "UPDATE object SET others = 1 WHERE pk = :pk",
    FaultKind.OBJECT_FORGOTTEN: f"""UPDATE object SET is_init = NULL, expires = {_NOW}
WHERE pk = :pk AND start_ns IS NULL AND removable_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM object m WHERE m.init_pk = object.pk)""",
    FaultKind.OBJECT_EXPIRING: """UPDATE object SET expires = NULL
WHERE pk = :pk AND (start_ns IS NOT NULL OR is_init = 1)""",
    FaultKind.FLOW_LEFT: _queue("'remove_flow'", "pk", _NOW, "flow"),
    FaultKind.OBJECT_LEFT: _queue("'remove_object'", "pk", _DUE, "object"),
    FaultKind.PLACE_LEFT: _queue(
        "CASE incoming WHEN 1 THEN 'copy_object' ELSE 'remove_copy' END",
        "pk",
        f"CASE incoming WHEN 1 THEN {_NOW} ELSE {_DUE} END",
        "place",
    ),
    FaultKind.REQUEST_LEFT: _queue(
        "CASE delete_flow WHEN 0 THEN 'delete_segments' ELSE 'remove_flow' END",
        "CASE delete_flow WHEN 0 THEN pk ELSE flow_pk END",
        _NOW,
        "deletion_request",
    ),
    FaultKind.LOG_BEHIND: _raise("log", "published", "SELECT max(number) FROM event"),
    FaultKind.WEBHOOK_AHEAD: """UPDATE webhook SET position = (SELECT published FROM log)
WHERE pk = :pk""",
}

MENDS: dict[FaultKind, TextClause] = {kind: text(write) for kind, write in _WRITES.items()}

_COUNTS = ("segments", "rollup", *Weight._fields)
UNCOUNT = text(f"UPDATE flow SET {', '.join(f'{name} = NULL' for name in _COUNTS)} WHERE pk = :pk")
"""What a Flow's row counts is not true any more: a chore counts again, within the hour."""
