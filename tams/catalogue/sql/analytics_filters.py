"""Which Flows and Objects pass the filters of analytics, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from tams.catalogue.sql.statements import Written
from tams.catalogue.sql.weights import FLOWS_BY
from tams.domain.rollups import FREQUENTLY, MODERATELY, SIZES

FLOW_FILTERS = {
    "source_id": "f.source_id = {}",
    "format": "f.format = {}",
    "flow_id": "f.id = {}",
}
FLOW_TIMES = {"start": "f.created >= {}", "end": "f.created < {}"}
OBJECT_FILTERS = {
    "start": "o.created >= {}",
    "end": "o.created < {}",
    "storage_id": """(o.storage_id = {0} OR EXISTS
    (SELECT 1 FROM instance i WHERE i.object_pk = o.pk AND i.storage_id = {0}))""",
}
ALL, MOST, LEAST = range(3)
"""Kinds of rows that `passing` gives: one of all numbers, and some Objects."""

_LIMITS = (0, *(limit for _, limit in SIZES), 2**63 - 1)
_CLASSES = ", ".join(
    f"count(CASE WHEN size >= {low} AND size < {high} THEN 1 END)"
    for low, high in pairwise(_LIMITS)
)
_NUMBERS = f"""count(*), CAST(coalesce(sum(size), 0) AS bigint), {_CLASSES},
    CAST(coalesce(sum(reads), 0) AS bigint),
    count(CASE WHEN reads >= {MODERATELY} AND reads < {FREQUENTLY} THEN 1 END),
    count(CASE WHEN reads >= {FREQUENTLY} THEN 1 END), min(created)"""
_SOME = "SELECT * FROM (SELECT {}, id, size, reads, last, 0, 0, 0, 0, 0, 0, 0 FROM passing {}) v"
# Along the index of Segments by their Objects, which takes half as long as a probe for each Object.
_USED = """SELECT r.object_pk AS pk FROM segment r {index} CROSS JOIN flow f
    WHERE f.pk = r.flow_pk AND r.object_pk > ?1 AND r.object_pk <= ?2 AND f.gone_at IS NULL{where}
    GROUP BY r.object_pk"""
_OF_INIT = FLOWS_BY.format(column="init_pk", key="o.pk")
_OBJECT = (
    "o.pk, o.id, o.size, coalesce(o.access_count, 0) AS reads, o.last_accessed AS last, o.created"
)
_PASSING = f"""WITH passing AS MATERIALIZED (
    SELECT {_OBJECT} FROM ({_USED}) u CROSS JOIN object o
    WHERE o.pk = u.pk AND o.removable_at IS NULL{{also}}
    UNION ALL SELECT {_OBJECT} FROM object o
    WHERE o.pk > ?1 AND o.pk <= ?2 AND o.apart IS NOT NULL AND o.is_init = 1
        AND o.removable_at IS NULL{{also}} AND EXISTS
        ({_OF_INIT} JOIN flow f ON f.pk = hop.flow_pk WHERE f.gone_at IS NULL{{where}}))
SELECT {ALL}, CAST(NULL AS text), {_NUMBERS} FROM passing
UNION ALL {_SOME.format(MOST, "WHERE reads > 0 ORDER BY reads DESC, pk DESC LIMIT ?3")}
UNION ALL {_SOME.format(LEAST, "ORDER BY reads, pk LIMIT ?3")}"""


def conditions(names: Sequence[str], filters: Mapping[str, str], first: int) -> str:
    """Those of `filters` that are named, each after an AND; `first` is the first name's number."""
    return "".join(
        f" AND {filters[name].format(f'?{at}')}"
        for at, name in enumerate(names, first)
        if name in filters
    )


@lru_cache(maxsize=128)
def passing(names: Sequence[str]) -> Written:
    """The Objects with a key between ?1 and ?2 that pass these filters; ?3 are named."""
    where, also = conditions(names, FLOW_FILTERS, 4), conditions(names, OBJECT_FILTERS, 4)
    sqlite, postgresql = (
        _PASSING.format(index=index, where=where, also=also)
        for index in ("INDEXED BY segment_object", "")
    )
    return Written(sqlite, postgresql.replace("?", "$"))
