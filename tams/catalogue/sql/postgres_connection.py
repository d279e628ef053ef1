"""asyncpg as the nouns see it: a call is a round trip, so writes are held back and leave as one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from typing import Any

import asyncpg

from tams.catalogue.sql.connection import Connection, Row
from tams.catalogue.sql.statements import Parameters, Rows, Statement, Written, prepare
from tams.errors import Invalid

_PARAMETER = re.compile(r"\$(\d+)")


class NeedsTransaction(Exception):
    """A work that was run without a transaction is more than one question."""


class PostgresConnection(Connection):
    """Holds writes back until the work ends, or until a statement that must see them.

    Without a transaction it runs one SELECT; whatever comes then raises `NeedsTransaction`.
    """

    engine = "postgresql"

    def __init__(self, database: asyncpg.Connection, *, transaction: bool = True) -> None:
        super().__init__()
        self._database = database
        self._questions = None if transaction else 1
        self._held: list[tuple[str, Sequence[Any]]] = []
        self._held_rows: dict[tuple[Rows, Sequence[Any]], list[Sequence[Any]]] = {}

    async def fetch(self, statement: Statement, parameters: Parameters = ()) -> Sequence[Row]:
        await self.flush()
        prepared = prepare("postgresql", statement)
        self._spend(prepared.text)
        with _storable():
            records = await self._database.fetch(
                prepared.text, *_bound(prepared.arguments(parameters))
            )
        # What a page does with a Record takes half as long again as with a tuple.
        return list(map(tuple, records))

    def _spend(self, text: str) -> None:
        if self._questions is not None:
            if not self._questions or not text.startswith("SELECT"):
                raise NeedsTransaction
            self._questions -= 1

    async def execute(self, statement: Statement, parameters: Parameters = ()) -> None:
        await self.fetch(statement, parameters)

    async def execute_many(self, statement: Statement, rows: Sequence[Parameters]) -> None:
        await self.flush()
        prepared = prepare("postgresql", statement)
        self._spend(prepared.text)
        with _storable():
            await self._database.executemany(
                prepared.text, [_bound(prepared.arguments(row)) for row in rows]
            )

    async def hold(self, statement: Written, parameters: Sequence[Any]) -> None:
        self._held.append((statement.postgresql, parameters))

    async def hold_rows(
        self, statement: Rows, rows: Sequence[Sequence[Any]], shared: Sequence[Any] = ()
    ) -> None:
        if rows:
            self._held_rows.setdefault((statement, tuple(shared)), []).extend(rows)

    async def flush(self) -> None:
        await super().flush()
        writes = [
            *self._held,
            *(
                (statement.one, (*shared, *rows[0]))
                if len(rows) == 1
                else (statement.arrays, (*shared, *zip(*rows, strict=True)))
                for (statement, shared), rows in self._held_rows.items()
            ),
        ]
        if not writes:
            return
        self._held, self._held_rows = [], {}
        text = _as_one(tuple((text, len(parameters)) for text, parameters in writes))
        self._spend(text)
        with _storable():
            await self._database.fetch(text, *chain.from_iterable(row for _, row in writes))


@lru_cache(maxsize=256)
def _as_one(writes: tuple[tuple[str, int], ...]) -> str:
    """Join statements with so many parameters each into one, which sees what was there before."""
    texts, before = [], 0
    for text, parameters in writes:
        texts.append(_shifted(text, before))
        before += parameters
    *first, last = texts
    if not first:
        return last
    named = ", ".join(f"w{number} AS ({text})" for number, text in enumerate(first))
    return f"WITH {named} {last}"


def _shifted(text: str, places: int) -> str:
    return _PARAMETER.sub(lambda at: f"${int(at[1]) + places}", text)


def _bound(parameters: Sequence[Any]) -> list[Any]:
    return [list(value) if isinstance(value, set | frozenset) else value for value in parameters]


@contextmanager
def _storable() -> Iterator[None]:
    try:
        yield
    except asyncpg.CharacterNotInRepertoireError as error:
        raise Invalid("text", "\0", "text must not hold the character U+0000") from error
