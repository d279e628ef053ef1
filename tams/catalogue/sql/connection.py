"""The one connection of a transaction, as the nouns see it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import bindparam, func, select

from tams.catalogue.sql.schema import event
from tams.catalogue.sql.statements import Engine, Parameters, Rows, Statement, Written

Row = tuple[Any, ...]

Kind = Literal["flow", "source"]
"""What has changes that are counted; a Flow and a Source may have the same id."""

LAST_ORDINAL = select(func.coalesce(func.max(event.c.ordinal), 0)).where(
    event.c.entity_id == bindparam("entity_id"), event.c.kind == bindparam("kind")
)
SAVE_FLOW = Written(
    "UPDATE flow SET ordinal = ?2, segments_updated = coalesce(?3, segments_updated) WHERE pk = ?1",
    "UPDATE flow SET ordinal = $2, segments_updated = coalesce($3, segments_updated) WHERE pk = $1",
)
SAVE_SOURCE = Written(
    "UPDATE source SET ordinal = ?2 WHERE pk = ?1",
    "UPDATE source SET ordinal = $2 WHERE pk = $1",
)


@dataclass(slots=True)
class Counter:
    """The ordinal of a Flow's or Source's row that this work has locked or inserted.

    `is_tagged` says whether a Segment of a Flow may have tags.
    """

    kind: Kind
    pk: int
    ordinal: int
    segments_updated: int | None = None
    changed: bool = False
    is_tagged: bool = False


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
        self, kind: Kind, entity_id: str, pk: int, ordinal: int, *, is_tagged: bool = False
    ) -> None:
        """Remember the counter of a row that this work has just locked or inserted.

        A row that this work locked before keeps the counter as this work has raised it.
        """
        known = self._counters.get((kind, entity_id))
        if known is None or known.pk != pk:
            self._counters[kind, entity_id] = Counter(kind, pk, ordinal, is_tagged=is_tagged)

    def counter(self, kind: Kind, entity_id: str) -> Counter:
        """Return the counter of a locked row; `KeyError` if this work has not locked it."""
        return self._counters[kind, entity_id]

    def next_ordinal(self, kind: Kind, entity_id: str) -> int:
        """Raise the counter of a locked row for one more change; saved by `flush`."""
        counter = self._counters[kind, entity_id]
        counter.ordinal += 1
        counter.changed = True
        return counter.ordinal

    async def last_ordinal(self, kind: Kind, entity_id: str) -> int:
        """The ordinal of the last known change, from which the row of a re-created id goes on."""
        rows = await self.fetch(LAST_ORDINAL, {"kind": kind, "entity_id": entity_id})
        return int(rows[0][0])

    async def _save(self, counter: Counter) -> None:
        if counter.kind == "flow":
            await self.hold(SAVE_FLOW, (counter.pk, counter.ordinal, counter.segments_updated))
        else:
            await self.hold(SAVE_SOURCE, (counter.pk, counter.ordinal))
