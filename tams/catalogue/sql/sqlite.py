"""The catalogue in one file of SQLite, or in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import apsw

from tams.catalogue.base import Catalogue, Work
from tams.catalogue.sql.migrations import HEAD, VERSION, described, refuse_newer, steps
from tams.catalogue.sql.sqlite_connection import (
    PASSING,
    SQLiteConnection,
    busy,
    connect,
    drive,
    limited,
    roll_back,
)
from tams.catalogue.sql.transaction import perform
from tams.catalogue.sql.writer import Writer
from tams.domain.clock import Clock, utc_now
from tams.errors import BadSettings

T = TypeVar("T")

MEMORY = ":memory:"
_HAS_VERSION = "SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'"


class SQLiteCatalogue(Catalogue):
    """One thread writes; reads run in the event loop's thread, on a connection of their own.

    For each step of SQLite gives the interpreter's lock away: beside a busy event loop, a page of
    1000 Segments took 11.5 ms in a thread, against 6.0 ms at once. A database in memory has one
    connection alone, so there the writer's thread reads as well.
    """

    def __init__(
        self,
        path: Path | Literal[":memory:"],
        *,
        synchronous: Literal["FULL", "NORMAL", "OFF"] = "FULL",
        queue_limit: int = 1000,
        time_limit: float = 30.0,
        vfs: str | None = None,
        clock: Clock = utc_now,
        as_it_is: bool = False,
    ) -> None:
        """`queue_limit` counts the works that may wait, `time_limit` is in seconds for each.

        `as_it_is` neither makes nor migrates a catalogue.
        """
        self._path = str(path)
        self._synchronous = synchronous
        self._queue_limit = queue_limit
        self._time_limit = time_limit
        self._vfs = vfs
        self._clock = clock
        self._as_it_is = as_it_is
        self._writer: Writer | None = None
        self._reader: apsw.Connection | None = None

    async def open(self) -> None:
        """Connect, bringing the schema up to date; raises `BadSettings` for a newer one."""
        if self._as_it_is:
            _check(self._path)
        with ExitStack() as opened:
            database = _create(self._path, synchronous=self._synchronous, vfs=self._vfs)
            opened.callback(database.close)
            reader = None
            if self._path != MEMORY:
                with _usable(self._path):
                    reader = connect(self._path, vfs=self._vfs, query_only=True)
                opened.callback(reader.close)
            writer = Writer(database, self._queue_limit)
            writer.start()
            opened.pop_all()
        self._reader, self._writer = reader, writer

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        if self._writer is not None:
            await self._writer.close()
        self._reader = self._writer = None

    async def write(self, work: Work[T]) -> T:
        return await self._opened().submit(lambda database: self._perform(work, database))

    async def read(self, work: Work[T]) -> T:
        if self._reader is None:
            return await self.write(work)
        try:
            self._reader.execute("BEGIN")
            try:
                return self._perform(work, self._reader)
            finally:
                roll_back(self._reader)
        except PASSING as error:
            raise busy(error) from error

    async def ping(self) -> None:
        await self.read(lambda tx: tx.service.get())

    def _perform(self, work: Work[T], database: apsw.Connection) -> T:
        with limited(database, self._time_limit):
            return drive(perform(work, SQLiteConnection(database), self._clock))

    def _opened(self) -> Writer:
        if self._writer is None:
            raise RuntimeError("the catalogue is not open")
        return self._writer


def migrate(path: Path | Literal[":memory:"]) -> None:
    """Create the file, or bring its schema up to date."""
    _create(str(path), synchronous="FULL", vfs=None).close()


def _check(path: str) -> None:
    """Raise `BadSettings` unless it is there, and of this program's version."""
    if not Path(path).is_file():
        raise BadSettings(f"TAMS_CATALOGUE: there is no catalogue at {path}")
    with closing(_connect(path, synchronous="FULL", vfs=None)) as database, _usable(path):
        version = _version(database)
    if version != HEAD:
        raise BadSettings(
            f"TAMS_CATALOGUE: {path} has {described(version)}, and version {HEAD} is needed: "
            f"run `tams admin migrate`"
        )


def _create(path: str, *, synchronous: str, vfs: str | None) -> apsw.Connection:
    before = _identity(path)
    database = _connect(path, synchronous=synchronous, vfs=vfs)
    try:
        with _usable(path):
            _migrate(database)
        _check_identity(path, before)
    except BaseException:
        database.close()
        raise
    return database


def _identity(path: str) -> int | None:
    """What tells a file from another that takes its name; None if there is none."""
    try:
        return None if path == MEMORY else Path(path).stat().st_ino
    except (FileNotFoundError, NotADirectoryError):
        return None


def _check_identity(path: str, before: int | None) -> None:
    """Raise `BadSettings` if what was opened has been set aside by a restore that came first."""
    if before not in (None, _identity(path)):
        raise BadSettings(f"TAMS_CATALOGUE: {path} was replaced just now; start again")


def _connect(path: str, *, synchronous: str, vfs: str | None) -> apsw.Connection:
    with _usable(path):
        if path != MEMORY:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        return connect(path, synchronous=synchronous, vfs=vfs)


@contextmanager
def _usable(path: str) -> Iterator[None]:
    """Say what keeps a catalogue from being opened."""
    try:
        yield
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise BadSettings(
            f"TAMS_CATALOGUE: {path} is damaged, or no catalogue: {error}; restore a backup: "
            f"`tams admin restore`"
        ) from error
    except (apsw.Error, OSError) as error:
        raise BadSettings(f"TAMS_CATALOGUE: cannot open {path}: {error}") from error


def _migrate(database: apsw.Connection) -> None:
    if _version(database) == HEAD:
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        start = _version(database)  # of several processes, the first has done it
        if start != HEAD:
            # To its end: a row, such as that of RETURNING, stops a script until it is fetched.
            database.execute(steps("sqlite", start)).fetchall()
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _version(database: apsw.Connection) -> str | None:
    # Not `table_exists`, which looks at what this connection remembers of the schema.
    if database.execute(_HAS_VERSION).fetchone() is None:
        return None
    row = database.execute(VERSION).fetchone()
    if row is None:
        return None
    version = str(row[0])
    refuse_newer(version)
    return version
