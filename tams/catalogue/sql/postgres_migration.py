"""Bringing the schema of a PostgreSQL database up to date while servers use it.

A change of a table needs a moment for itself. It waits for that but briefly, since whoever comes
after it waits for it; then it lets them pass, and tries again. An index is built beside those who
write.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import asyncpg

from tams.catalogue.sql.migrations import HEAD, Step, next_step, refuse_newer, steps
from tams.catalogue.sql.postgres import REFUSED, unusable, version_of
from tams.errors import BadSettings, Busy

_LOCK_MILLISECONDS = 1000
_PAUSE_S = 2.0
_ATTEMPTS = 150
"""How often a moment is waited for: five minutes of pauses."""

_INDEX = re.compile(
    r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY (?P<name>\w+) ON (?P<table>\w+)", re.ASCII
)
_PARTITIONS = """SELECT inhrelid::regclass::text AS name FROM pg_inherits
WHERE inhparent = to_regclass('segment') ORDER BY inhrelid"""


async def migrate(url: str, partitions: int | None = None) -> None:
    """Create the schema, or bring it up to date, one version at a time; a pooler may be between.

    Raises `BadSettings`, also if Segments lie in another number of `partitions`, and `Busy` if
    others hold the tables for too long: what was done is done then, and the next call goes on.
    """
    try:
        database = await asyncpg.connect(url, statement_cache_size=0)
        try:
            await _migrate(database, partitions)
        finally:
            await database.close()
    except REFUSED as error:
        raise unusable(error) from error


async def _migrate(database: asyncpg.Connection, partitions: int | None) -> None:
    while (version := await version_of(database)) != HEAD:
        refuse_newer(version)
        try:
            if version is None:
                await _create(database, partitions or 1)
            else:
                await _refuse_other(database, partitions)
                await _advance(database, version)
        except asyncpg.PostgresError:
            if await version_of(database) == version:  # else another process was faster
                raise
    await _refuse_other(database, partitions)


async def _create(database: asyncpg.Connection, partitions: int) -> None:
    async with database.transaction():
        await database.execute(steps("postgresql", None, partitions))


async def _refuse_other(database: asyncpg.Connection, partitions: int | None) -> None:
    found = len(await database.fetch(_PARTITIONS)) or 1
    if partitions not in (None, found):
        raise BadSettings(
            f"TAMS_CATALOGUE: it was made with --segment-partitions {found}, and that stays so, "
            f"not {partitions}; see docs/operations.md"
        )


async def _advance(database: asyncpg.Connection, version: str) -> None:
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
    parts = [row["name"] for row in await database.fetch(_PARTITIONS)]
    for statement in step.statements:
        index = _INDEX.match(statement)
        if index is None:
            await database.execute(statement)
        elif parts and index["table"] == "segment":
            await _build_in_parts(database, step._replace(text=statement), index["name"], parts)
        else:
            await _build_index(database, statement, index["name"])


async def _build_index(database: asyncpg.Connection, statement: str, name: str) -> None:
    await database.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    await database.execute(statement)


async def _build_in_parts(
    database: asyncpg.Connection, step: Step, name: str, parts: Sequence[str]
) -> None:
    """Build it in one partition after another, since PostgreSQL does it in no other way."""
    await database.execute(f"DROP INDEX IF EXISTS {name}")  # its parts go with it
    for part in parts:
        of_part = step.text.replace(f" {name} ON segment", f" {part}_{name} ON {part}", 1)
        await _build_index(database, of_part, f"{part}_{name}")
    of_all = step.text.replace(" CONCURRENTLY", "", 1).replace(" ON ", " ON ONLY ", 1)
    attach = (f"ALTER INDEX {name} ATTACH PARTITION {part}_{name}" for part in parts)
    await _change(database, step._replace(text=";\n".join([of_all, *attach])))
