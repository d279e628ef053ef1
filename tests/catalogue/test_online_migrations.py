"""The schema changes under servers that go on, as docs/operations.md promises.

A release's revisions must leave the schema readable and writable by the release before it.
"""

from __future__ import annotations

import asyncio
import re

import apsw
import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from tams.catalogue.connect import catalogue as connect
from tams.catalogue.connect import migrate
from tams.catalogue.sql import postgres_migration
from tams.catalogue.sql.migrations import HEAD, Step, next_step
from tams.catalogue.sql.migrations.run import configuration
from tams.errors import BadSettings, Busy
from tests.catalogue.building import (
    add_flows,
    allocate,
    delete_segments,
    get_flow,
    make_flow,
    new_id,
    page_of,
    post,
    remove_flow,
    replace_flow,
    segment_at,
)

FIRST_RELEASED = "0008"
"""No release before this version is in use, so the rules begin after it."""

NEXT_RELEASE = [
    *(
        f"ALTER TABLE {table} ADD COLUMN later TEXT"
        for table in ("flow", "segment", "object", "event")
    ),
    "CREATE TABLE later (pk BIGINT PRIMARY KEY, label TEXT)",
    "CREATE INDEX{} later_label ON flow (later)",
    "UPDATE alembic_version SET version_num = '9999'",
]


async def run(url: str, *statements: str) -> None:
    """Change the catalogue from outside."""
    if url.startswith("sqlite"):
        database = apsw.Connection(url.removeprefix("sqlite:///"))
        for statement in statements:
            database.execute(statement.format("")).fetchall()
        database.close()
    else:
        connection = await asyncpg.connect(url)
        for statement in statements:
            await connection.execute(statement.format(" CONCURRENTLY"))
        await connection.close()


async def use(store) -> None:
    """Read and write a little of everything."""
    flow = make_flow()
    await add_flows(store, flow)
    used = new_id()
    await allocate(store, flow.id, used, new_id())
    await post(store, flow.id, segment_at(used, "[0:0_1:0)"))
    assert len((await page_of(store, flow.id)).items) == 1
    await replace_flow(store, flow)
    await store.write(lambda tx: tx.events.publish())
    assert (await delete_segments(store, flow.id)).number == 1
    await remove_flow(store, flow.id)
    assert await get_flow(store, flow.id) is None


async def test_a_server_goes_on_when_the_next_release_has_migrated(catalogue_url) -> None:
    store = connect(catalogue_url, connections=2)
    await migrate(catalogue_url)
    await store.open()
    for _ in range(6):  # asyncpg and PostgreSQL prepare what they have met some times
        await use(store)
    await run(catalogue_url, *NEXT_RELEASE)
    for _ in range(2):
        await use(store)
    await store.close()


async def test_a_newer_catalogue_is_refused_by_name(catalogue_url) -> None:
    await migrate(catalogue_url)
    await run(catalogue_url, *NEXT_RELEASE)
    told = f"its schema has version 9999, this program {HEAD}: start a newer program"
    with pytest.raises(BadSettings, match=told):
        await connect(catalogue_url).open()
    with pytest.raises(BadSettings, match=told):
        await migrate(catalogue_url)


@pytest.fixture
async def old(empty_postgres_url):
    """A database of the version before the newest one."""
    config = configuration("postgresql")
    command.upgrade(config, "base:0002", sql=True)
    database = await asyncpg.connect(empty_postgres_url)
    await database.execute(config.output_buffer.getvalue())
    await database.close()
    return empty_postgres_url


async def test_nobody_waits_for_a_migration_that_waits(old, monkeypatch) -> None:
    monkeypatch.setattr(postgres_migration, "_LOCK_MILLISECONDS", 50)
    monkeypatch.setattr(postgres_migration, "_PAUSE_S", 0.05)
    reader, other = await asyncpg.connect(old), await asyncpg.connect(old)
    await other.execute("SET statement_timeout = '5s'")
    long = reader.transaction()
    await long.start()
    await reader.fetch("SELECT * FROM segment")
    migration = asyncio.create_task(migrate(old))
    refused = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted"
    while not await other.fetchval(refused):
        assert not migration.done()
    for _ in range(20):
        assert await other.fetch("SELECT * FROM segment") == []
    assert not migration.done()
    await long.rollback()
    await migration
    assert await other.fetchval("SELECT version_num FROM alembic_version") == HEAD
    await reader.close()
    await other.close()


async def test_a_migration_that_never_gets_its_moment_changes_nothing(old, monkeypatch) -> None:
    monkeypatch.setattr(postgres_migration, "_LOCK_MILLISECONDS", 20)
    monkeypatch.setattr(postgres_migration, "_PAUSE_S", 0)
    monkeypatch.setattr(postgres_migration, "_ATTEMPTS", 2)
    reader = await asyncpg.connect(old)
    async with reader.transaction():
        await reader.fetch("SELECT * FROM segment")
        with pytest.raises(Busy, match="run `tams admin migrate` again"):
            await migrate(old)
        assert await reader.fetchval("SELECT version_num FROM alembic_version") == "0002"
    await reader.close()
    await migrate(old)


async def test_two_migrations_at_once_are_one(old) -> None:
    await asyncio.gather(migrate(old), migrate(old))
    store = connect(old)
    await store.open()
    await store.close()


async def test_an_index_that_was_left_unfinished_is_built_anew(postgres_url) -> None:
    database = await asyncpg.connect(postgres_url)
    await database.execute("CREATE INDEX sample ON flow (codec)")  # as one that is not valid
    step = Step("9999", "CREATE INDEX CONCURRENTLY sample ON flow (label);\n\nSELECT 1;\n\n", True)
    await postgres_migration._build(database, step)
    found = await database.fetchval("SELECT indexdef FROM pg_indexes WHERE indexname = 'sample'")
    assert found.endswith("(label)")
    await database.close()


FORBIDDEN = {
    r"\bDROP (TABLE|COLUMN|CONSTRAINT)\b": "the release before still uses it",
    r"\bRENAME\b": "the release before knows the old name",
    r"\bALTER COLUMN \w+ (TYPE|SET)\b": "the release before writes what it wrote before",
    r"\bADD COLUMN (?!.*DEFAULT).*NOT NULL": "the release before leaves it out",
    r"\bADD CONSTRAINT (?!.*NOT VALID)": "all rows are read under a lock",
    r"^(UPDATE|DELETE FROM|INSERT INTO) (?!alembic_version)": "the locks last as long",
}
INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)\w+ ON (\w+)")


def complaints(step: Step) -> list[str]:
    """What would disturb the release before, or keep it waiting."""
    found = []
    made = set(re.findall(r"CREATE TABLE (\w+)", step.text))
    for statement in step.statements:
        line = " ".join(statement.split())
        found += [f"{line}: {why}" for rule, why in FORBIDDEN.items() if re.search(rule, line)]
        index = INDEX.match(line)
        if index and index[1] not in made:
            found.append(f"{line}: nobody can write meanwhile, so build it CONCURRENTLY")
        if "CONCURRENTLY" in line and not step.is_concurrent:
            found.append(f"{line}: not in a transaction; see `is_concurrent`")
    return found


def test_every_revision_can_be_taken_while_the_release_before_goes_on() -> None:
    directory = ScriptDirectory.from_config(configuration("postgresql"))
    later = [each.down_revision for each in directory.iterate_revisions(HEAD, FIRST_RELEASED)]
    for start in later:
        assert complaints(next_step("postgresql", start)) == []


def test_the_rules_know_what_breaks_them() -> None:
    assert len(complaints(next_step("postgresql", "0002"))) == 2  # from before the rules
    good = [
        "ALTER TABLE flow ADD COLUMN later TEXT",
        "ALTER TABLE flow ADD COLUMN later BIGINT DEFAULT 0 NOT NULL",
        "CREATE TABLE later (pk BIGINT NOT NULL)",
        "CREATE INDEX later_pk ON later (pk)",
        "UPDATE alembic_version SET version_num='0004' WHERE version_num = '0003'",
    ]
    assert complaints(Step("9999", ";\n".join(good), is_concurrent=False)) == []
    bad = [
        "DROP TABLE flow",
        "ALTER TABLE flow DROP COLUMN label",
        "ALTER TABLE flow RENAME COLUMN label TO name",
        "ALTER TABLE flow ALTER COLUMN label SET NOT NULL",
        "ALTER TABLE flow ADD COLUMN later TEXT NOT NULL",
        "ALTER TABLE flow ADD CONSTRAINT later CHECK (pk > 0)",
        "UPDATE flow SET label = 'x'",
        "CREATE INDEX later_label ON flow (label)",
        "CREATE INDEX CONCURRENTLY later_label ON flow (label)",
    ]
    for statement in bad:
        assert len(complaints(Step("9999", statement, is_concurrent=False))) == 1, statement
