"""The catalogue in a PostgreSQL database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import CodeType
from typing import Any, TypeVar

import asyncpg

from tams.catalogue.base import Catalogue, Work
from tams.catalogue.sql.migrations import HEAD, VERSION, described, refuse_newer
from tams.catalogue.sql.postgres_connection import NeedsTransaction, PostgresConnection
from tams.catalogue.sql.transaction import perform
from tams.domain.clock import Clock, utc_now
from tams.errors import BadSettings, Busy, OutcomeUnknown

T = TypeVar("T")

# Each lock is taken by a statement of its own, which sees what its last holder wrote.
# A write does not say READ WRITE, which would overrule an operator who has set the database to be
# read only while it moves.
_WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED"
_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# In the round trip of BEGIN, and for the transaction alone, so that a pooler may stand between: the
# locks of a client that has vanished with its machine go when these end, not when TCP gives up.
_LIMITS = """; SET LOCAL statement_timeout = {milliseconds}
; SET LOCAL idle_in_transaction_session_timeout = {milliseconds}"""
_ATTEMPTS = 5
_END_S = 5.0
"""Seconds that a ROLLBACK may take, and that the server's limits come later than ours."""

_LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # so asyncpg meets a server that closed an idle connection
)
REFUSED = (*_LOST, asyncpg.PostgresError, ValueError)
# A unique key is violated where two works add the same new Flow, Source or Object at once: the
# second run of the later one finds it there.
_AGAIN = (
    *_LOST,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.UniqueViolationError,
    asyncpg.InvalidCachedStatementError,  # a migration has changed what a prepared one gives
)
# Not for us to mend at once: a full disk or memory, a statement that was ended, a mere standby.
_PASSING = (
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.ReadOnlySQLTransactionError,
)


class PostgresCatalogue(Catalogue):
    """Works run on a pool of connections; as many others may wait as the queue holds."""

    def __init__(
        self,
        url: str,
        *,
        connections: int = 10,
        connect_timeout: float = 10.0,
        pooled: bool = False,
        queue_limit: int = 1000,
        time_limit: float = 30.0,
        clock: Clock = utc_now,
    ) -> None:
        """`queue_limit` counts the works that may wait, `time_limit` is in seconds for each.

        `pooled` says that connections lead to a pooler, which gives each transaction any server
        process: then nothing outside a transaction may be more than one message and its answer, and
        no prepared statement outlives one.
        """
        self._url = url
        self._connections = connections
        self._connect_timeout = connect_timeout
        self._pooled = pooled
        self._limit = connections + queue_limit
        self._time_limit = time_limit
        limits = _LIMITS.format(milliseconds=round(1000 * (time_limit + _END_S)))
        self._begin_write, self._begin_read = _WRITING + limits, _READING + limits
        self._clock = clock
        self._present = 0
        self._running: set[asyncio.Task[Any]] = set()
        self._long: set[CodeType] = set()
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        try:
            self._pool = await asyncpg.create_pool(
                self._url,
                min_size=0,  # else asyncpg logs, with a stack trace, that it keeps trying
                max_size=self._connections,
                reset=_keep_as_it_is,
                timeout=self._connect_timeout,
                **({"statement_cache_size": 0} if self._pooled else {}),
            )
            async with self._pool.acquire() as database, database.transaction():
                _check(await version_of(database))
        except BaseException as error:
            await self.close()
            if isinstance(error, REFUSED):
                raise unusable(error) from error
            raise

    async def close(self) -> None:
        if self._running:
            await asyncio.wait(self._running)
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def write(self, work: Work[T]) -> T:
        return await self._run(work, self._begin_write)

    async def read(self, work: Work[T]) -> T:
        """See `Catalogue`; one statement is a snapshot by itself, at a third of the round trips.

        A work that turns out to be more than one is run again in a transaction, and from then on
        at once.
        """
        code = getattr(work, "__code__", None)
        if code is not None and code not in self._long and not self._pooled:
            try:
                return await self._run(work, None)
            except NeedsTransaction:
                self._long.add(code)
        return await self._run(work, self._begin_read)

    async def ping(self) -> None:
        await self.read(lambda tx: tx.service.get())

    async def _run(self, work: Work[T], begin: str | None) -> T:
        if self._present >= self._limit:
            raise Busy("too much waits for the catalogue already; try again in a moment")
        self._present += 1
        try:
            for _ in range(_ATTEMPTS - 1):
                try:
                    return await self._attempt(work, begin)
                except _AGAIN:
                    continue
            return await self._attempt(work, begin)
        except (*_AGAIN, *_PASSING) as error:
            if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
                # After a failover the others lead to the server that was first, too.
                await self._opened().expire_connections()
            raise Busy(f"PostgreSQL cannot do this now: {error}") from error
        finally:
            self._present -= 1

    async def _attempt(self, work: Work[T], begin: str | None) -> T:
        """Run a work once; what has begun runs to its end, though its caller be cancelled."""
        pool = self._opened()
        try:
            async with asyncio.timeout(self._time_limit):
                database = await pool.acquire()
        except (*_LOST, asyncpg.PostgresError) as error:
            reason = str(error) or "no answer in time"
            raise Busy(f"PostgreSQL takes no connection now: {reason}") from error
        task = asyncio.create_task(self._transact(work, begin, pool, database))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _transact(
        self, work: Work[T], begin: str | None, pool: asyncpg.Pool, database: asyncpg.Connection
    ) -> T:
        try:
            if begin is None:
                alone = PostgresConnection(database, transaction=False)
                async with self._limited():
                    return await perform(work, alone, self._clock)
            async with _rolled_back(database), self._limited():
                await database.execute(begin)
                result = await perform(work, PostgresConnection(database), self._clock)
            try:
                await database.execute("COMMIT", timeout=self._time_limit + _END_S)
            except _LOST as error:
                _cut(database)
                raise OutcomeUnknown(
                    "the connection was lost during COMMIT; repeat the request"
                ) from error
            return result
        finally:
            with suppress(TimeoutError):  # a statement that cannot even be ended: it was cut
                await pool.release(database, timeout=_END_S)

    @asynccontextmanager
    async def _limited(self) -> AsyncIterator[None]:
        limit = asyncio.timeout(self._time_limit)
        try:
            async with limit:
                yield
        except TimeoutError as error:
            raise Busy(
                f"this took the catalogue longer than {self._time_limit} s; ask for less"
            ) from error

    def _opened(self) -> asyncpg.Pool:
        if self._pool is None:
            raise RuntimeError("the catalogue is not open")
        return self._pool


@asynccontextmanager
async def _rolled_back(database: asyncpg.Connection) -> AsyncIterator[None]:
    """Undo everything if the block raises."""
    try:
        yield
    except BaseException:
        try:
            await database.execute("ROLLBACK", timeout=_END_S)
        except _LOST:
            _cut(database)
        raise


def _cut(database: asyncpg.Connection) -> None:
    """End a connection that is good for nothing."""
    with suppress(asyncpg.InterfaceError):  # the pool has noticed already
        database.terminate()


async def _keep_as_it_is(_: asyncpg.Connection) -> None:
    """Spare the round trip: every work ends its transaction, and changes no setting."""


def _check(version: str | None) -> None:
    """Raise `BadSettings` unless the schema is of this program's version."""
    if version != HEAD:
        refuse_newer(version)
        raise BadSettings(
            f"TAMS_CATALOGUE: the database has {described(version)}, and version {HEAD} is "
            f"needed: run `tams admin migrate`"
        )


def unusable(error: Exception) -> BadSettings:
    """Say why the database that is set cannot be used."""
    reason = str(error) or "no answer in time"
    if isinstance(error, ValueError):
        # Its text may quote a piece of the password.
        reason = "the URL cannot be read; special characters in it must be percent-encoded"
    return BadSettings(f"TAMS_CATALOGUE: cannot use PostgreSQL: {reason}")


async def version_of(database: asyncpg.Connection) -> str | None:
    """The version of a database's schema; None if it has none."""
    if await database.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    version: str | None = await database.fetchval(VERSION)
    return version
