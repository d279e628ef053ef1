"""Bringing the schema of a PostgreSQL database up to date while servers use it.

A change of a table needs a moment for itself. It waits for that but briefly, since whoever comes
after it waits for it; then it lets them pass, and tries again. An index is built beside those who
write.
"""

from __future__ import annotations

import asyncio
import re

import asyncpg

from tams.catalogue.sql.migrations import HEAD, Step, next_step, refuse_newer, steps
from tams.catalogue.sql.postgres import REFUSED, unusable, version_of
from tams.errors import Busy

_LOCK_MILLISECONDS = 1000
_PAUSE_S = 2.0
_ATTEMPTS = 150
"""How often a moment is waited for: five minutes of pauses."""

_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY (\w+)")


async def migrate(url: str) -> None:
    """Create the schema, or bring it up to date, one version at a time; a pooler may be between.

    Raises `BadSettings`, and `Busy` if others hold the tables for too long: what was done is done
    then, and the next call goes on.
    """
    try:
        database = await asyncpg.connect(url, statement_cache_size=0)
        try:
            await _migrate(database)
        finally:
            await database.close()
    except REFUSED as error:
        raise unusable(error) from error


async def _migrate(database: asyncpg.Connection) -> None:
    while (version := await version_of(database)) != HEAD:
        refuse_newer(version)
        try:
            await _advance(database, version)
        except asyncpg.PostgresError:
            if await version_of(database) == version:  # else another process was faster
                raise


async def _advance(database: asyncpg.Connection, version: str | None) -> None:
    if version is None:
        async with database.transaction():
            await database.execute(steps("postgresql", None))
        return
    step = next_step("postgresql", version)
    if step.is_concurrent:
        await _build(database, step)
    else:
        await _change(database, step)


async def _change(database: asyncpg.Connection, step: Step) -> None:
    """Take all of a step in one transaction."""
    for _ in range(_ATTEMPTS):
        try:
            async with database.transaction():
                await database.execute(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}")
                await database.execute(step.text)
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(_PAUSE_S)
        else:
            return
    raise Busy(
        f"others hold the tables for too long to bring the schema to version {step.version}; "
        f"nothing of it was done: run `tams admin migrate` again"
    )


async def _build(database: asyncpg.Connection, step: Step) -> None:
    """Run the statements of a step one by one; what an earlier attempt left is not to be used."""
    for statement in step.statements:
        if index := _INDEX.match(statement):
            await database.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index[1]}")
        await database.execute(statement)
