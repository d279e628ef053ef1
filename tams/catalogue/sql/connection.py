"""The one connection of a transaction, as the nouns see it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import bindparam, func, select

from tams.catalogue.sql.rollups import rollup_of, rollup_text
from tams.catalogue.sql.schema import event
from tams.catalogue.sql.statements import Engine, Parameters, Rows, Statement, Written
from tams.domain.rollups import NOTHING, Rollup, Weight, total

Row = tuple[Any, ...]

Kind = Literal["flow", "source"]
"""What has changes that are counted; a Flow and a Source may have the same id."""

LAST_ORDINAL = select(func.coalesce(func.max(event.c.ordinal), 0)).where(
    event.c.entity_id == bindparam("entity_id"), event.c.kind == bindparam("kind")
)
# With the counts of Segments and Objects, so that they need no statement of their own. Where they
# are null, nobody has counted, and they stay so.
_SAVE_FLOW = """UPDATE flow SET ordinal = ?2, segments_updated = coalesce(?3, segments_updated),
    segments = coalesce(?4, segments), rollup = coalesce(?5, rollup), objects = objects + ?6"""
SAVE_FLOW = Written.same(f"{_SAVE_FLOW} WHERE pk = ?1")
# What has only come since is neither measured nor read, so most registrations need not say so.
_MORE = "".join(f", {name} = {name} + ?{at}" for at, name in enumerate(Weight._fields[1:], 7))
SAVE_FLOW_AND_WEIGHT = Written.same(f"{_SAVE_FLOW}{_MORE} WHERE pk = ?1")
SAVE_SOURCE = Written(
    "UPDATE source SET ordinal = ?2 WHERE pk = ?1",
    "UPDATE source SET ordinal = $2 WHERE pk = $1",
)


@dataclass(slots=True)
class Counter:
    """The ordinal of a Flow's or Source's row that this work has locked or inserted.

    `is_tagged` says whether a Segment of a Flow may have tags. And what a Flow's row counts: `told`
    is its rollup, None where nobody has counted.
    """

    kind: Kind
    pk: int
    ordinal: int
    told: str | None = None
    segments_updated: int | None = None
    changed: bool = False
    is_tagged: bool = False
    rollup: Rollup | None = None
    weight: Weight = NOTHING

    def count(self, starts: Sequence[int], ends: Sequence[int], weight: Weight, times: int) -> None:
        """Count Segments, and Objects that the Flow did not refer to; -1 takes them back."""
        if self.told is None:
            return
        self.changed = True
        if self.rollup is None:
            self.rollup = rollup_of(self.told)
        self.rollup.add(starts, ends, times)
        if times == 1 and self.weight is NOTHING:
            self.weight = weight
        else:
            self.weight = total((self.weight, weight.times(times)))

    def take(self) -> tuple[int | None, str | None, Weight]:
        """What is to be written of that: the number of Segments, the rollup, and what is added."""
        if self.rollup is None:
            return None, None, NOTHING
        weight, self.weight = self.weight, NOTHING
        return self.rollup.segments, rollup_text(self.rollup), weight


class Connection(ABC):
    """Runs statements within one work; rows are in the order of the columns.

    A list among the parameters stands for a JSON array on SQLite and an array on PostgreSQL.
    """

    engine: Engine

    def __init__(self) -> None:
        self._counters: dict[tuple[Kind, str], Counter] = {}

    @abstractmethod
    async def fetch(self, statement: Statement, parameters: Parameters = ()) -> Sequence[Row]:
        """Return all rows; what was held back before is seen."""

    @abstractmethod
    async def execute(self, statement: Statement, parameters: Parameters = ()) -> None:
        """Run a statement now, after what was held back before."""

    @abstractmethod
    async def execute_many(self, statement: Statement, rows: Sequence[Parameters]) -> None:
        """Run a statement now for each of the rows of parameters."""

    @abstractmethod
    async def hold(self, statement: Written, parameters: Sequence[Any]) -> None:
        """Run a write at the latest before COMMIT, or before the next `fetch` or `execute`.

        What is held leaves as one statement on PostgreSQL, so held writes neither see each other
        nor touch the same row.
        """

    @abstractmethod
    async def hold_rows(
        self, statement: Rows, rows: Sequence[Sequence[Any]], shared: Sequence[Any] = ()
    ) -> None:
        """The same for a write of many rows; none is no write.

        `shared` are the first parameters of the statement, the same for all rows.
        """

    async def flush(self) -> None:
        """Send what is held back, and the counters."""
        for counter in self._counters.values():
            if counter.changed:
                counter.changed = False
                await self._save(counter)

    def locked(
        self,
        kind: Kind,
        entity_id: str,
        pk: int,
        ordinal: int,
        told: str | None = None,
        *,
        is_tagged: bool = False,
    ) -> None:
        """Remember the counter of a row that this work has just locked or inserted.

        A row that this work locked before keeps the counter as this work has raised it.
        """
        known = self._counters.get((kind, entity_id))
        if known is None or known.pk != pk:
            self._counters[kind, entity_id] = Counter(kind, pk, ordinal, told, is_tagged=is_tagged)

    def counter(self, kind: Kind, entity_id: str) -> Counter:
        """Return the counter of a locked row; `KeyError` if this work has not locked it."""
        return self._counters[kind, entity_id]

    def next_ordinal(self, kind: Kind, entity_id: str) -> int:
        """Raise the counter of a locked row for one more change; saved by `flush`."""
        counter = self._counters[kind, entity_id]
        counter.ordinal += 1
        counter.changed = True
        return counter.ordinal

    async def last_ordinal(self, kind: str, entity_id: str) -> int:
        """The ordinal of the last known change, from which the row of a re-created id goes on."""
        rows = await self.fetch(LAST_ORDINAL, {"kind": kind, "entity_id": entity_id})
        return int(rows[0][0])

    async def _save(self, counter: Counter) -> None:
        if counter.kind == "source":
            await self.hold(SAVE_SOURCE, (counter.pk, counter.ordinal))
            return
        segments, rollup, weight = counter.take()
        row = (counter.pk, counter.ordinal, counter.segments_updated, segments, rollup)
        if any(weight[1:]):
            await self.hold(SAVE_FLOW_AND_WEIGHT, (*row, *weight))
        else:
            await self.hold(SAVE_FLOW, (*row, weight.objects))
