"""apsw as the nouns see it."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from time import monotonic, sleep
from typing import Any, TypeVar

import apsw
from pydantic_core import to_json

from tams.catalogue.sql.connection import Connection, Row
from tams.catalogue.sql.statements import Parameters, Rows, Statement, Written, prepare
from tams.errors import Busy

T = TypeVar("T")

# Fewer, longer steps: each step of SQLite gives the interpreter's lock away, and 1000 rows by
# `executemany` took 2.1 ms of CPU against 1.3 ms in hundreds.
_CHUNKS = (100, 10, 1)
_STEPS_BETWEEN_LOOKS_AT_THE_CLOCK = 10_000
_LOOK_S = 0.002
_LOOKS = 5_000
_CACHE_KIBIBYTES = 65_536
_LASTING_LOG_BYTES = 32 << 20
"""What a write-ahead log keeps of its size once those are gone who kept it from being emptied."""


class SQLiteConnection(Connection):
    """Runs every statement at once, since the engine lies in the process."""

    engine = "sqlite"

    def __init__(self, database: apsw.Connection) -> None:
        super().__init__()
        self._database = database

    async def fetch(self, statement: Statement, parameters: Parameters = ()) -> Sequence[Row]:
        await self.flush()
        rows: Sequence[Row] = self._run(statement, parameters).fetchall()
        return rows

    async def execute(self, statement: Statement, parameters: Parameters = ()) -> None:
        await self.flush()
        self._run(statement, parameters)

    async def execute_many(self, statement: Statement, rows: Sequence[Parameters]) -> None:
        await self.flush()
        for row in rows:
            self._run(statement, row)

    async def hold(self, statement: Written, parameters: Sequence[Any]) -> None:
        self._run(statement, parameters)

    async def hold_rows(
        self, statement: Rows, rows: Sequence[Sequence[Any]], shared: Sequence[Any] = ()
    ) -> None:
        at = 0
        for size in _CHUNKS:
            while len(rows) - at >= size:
                values = tuple(chain(shared, chain.from_iterable(rows[at : at + size])))
                self._database.execute(_of_size(statement, size), values)
                at += size

    def _run(self, statement: Statement, parameters: Parameters) -> apsw.Cursor:
        prepared = prepare("sqlite", statement)
        arguments = [_bound(value) for value in prepared.arguments(parameters)]
        return self._database.execute(prepared.text, arguments)


@lru_cache(maxsize=64)
def _of_size(statement: Rows, size: int) -> str:
    return statement.sqlite.format(rows=",".join([statement.pattern] * size))


def _bound(value: object) -> object:
    if isinstance(value, list | tuple | set | frozenset):
        return to_json(value).decode()
    return value


def drive(work: Awaitable[T]) -> T:
    """Run a work to its end without an event loop; it has nothing to wait for on this engine."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as stop:
        result: T = stop.value
        return result
    steps.close()
    raise RuntimeError("a work may await nothing but the methods of its transaction")


PASSING = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.ProtocolError,
    apsw.FullError,
    apsw.IOError,
    apsw.CantOpenError,
    apsw.PermissionsError,
    apsw.ReadOnlyError,
    apsw.NoMemError,
    apsw.CorruptError,
    apsw.NotADBError,
)
"""What no request can help: another process that writes for long, a disk that is full, away,
read-only or damaged."""


def busy(error: BaseException) -> Busy:
    """Say so to the caller, who may come again."""
    return Busy(f"the catalogue cannot be used now: {error}")


def roll_back(database: apsw.Connection) -> None:
    """End the open transaction, unless SQLite has: it does if a disk fails or memory is short."""
    if not database.get_autocommit():
        database.execute("ROLLBACK")


def connect(
    path: str, *, synchronous: str = "FULL", vfs: str | None = None, query_only: bool = False
) -> apsw.Connection:
    """Open a file in WAL mode, or a new database in memory for `:memory:`."""
    database = apsw.Connection(path, vfs=vfs, statementcachesize=256)
    # Else SQLite prepares a statement again whenever its parameters change, to look at statistics
    # that we do not gather: half of the CPU of a single registration.
    database.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    database.set_busy_handler(_wait_for_another_process)
    database.pragma("journal_mode", "wal")
    database.pragma("synchronous", synchronous)
    database.pragma("foreign_keys", "on")
    database.pragma("cache_size", -_CACHE_KIBIBYTES)
    database.pragma("journal_size_limit", _LASTING_LOG_BYTES)
    database.pragma("query_only", query_only)
    return database


def _wait_for_another_process(looks: int) -> bool:
    """Look again soon, for 10 s: SQLite's own handler waits up to 0.1 s, and longer each time.

    With three processes of 16 writers, the slowest of a hundred registrations took 750 ms so.
    """
    sleep(_LOOK_S)
    return looks < _LOOKS


@contextmanager
def limited(database: apsw.Connection, seconds: float) -> Iterator[None]:
    """Interrupt what runs longer than this, as `Busy`."""
    deadline = monotonic() + seconds
    database.set_progress_handler(lambda: monotonic() > deadline, _STEPS_BETWEEN_LOOKS_AT_THE_CLOCK)
    try:
        yield
    except apsw.InterruptError as error:
        raise Busy(f"this took the catalogue longer than {seconds} s; ask for less") from error
    finally:
        database.set_progress_handler(None)
