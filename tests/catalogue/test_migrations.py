from __future__ import annotations

import apsw
import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.schema import CreateIndex, CreateTable

from tams.catalogue.connect import catalogue, migrate
from tams.catalogue.sql import segment_tag_schema  # noqa: F401 (its table is of the metadata)
from tams.catalogue.sql.migrations import HEAD, steps
from tams.catalogue.sql.migrations.run import configuration
from tams.catalogue.sql.schema import metadata


def definition(dialect):
    """The statements that make the tables as `schema.py` has them."""
    for table in metadata.sorted_tables:
        yield str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            yield str(CreateIndex(index).compile(dialect=dialect))


def test_the_newest_revision_is_the_one_we_work_with():
    directory = ScriptDirectory.from_config(configuration("sqlite"))
    assert directory.get_heads() == [HEAD]


def sqlite_facts(script):
    """What the schema is, whatever the order in which its columns came."""
    database = apsw.Connection(":memory:")
    database.execute(script).fetchall()  # a row stops a script until it is fetched
    facts = set()
    for name, rowid_missing, kind in database.execute(
        "SELECT name, wr, type FROM pragma_table_list WHERE schema = 'main'"
    ):
        if name in ("alembic_version", "sqlite_schema") or kind != "table":
            continue
        for _, column, type_, *rest in database.execute(f"PRAGMA table_info({name})"):
            facts.add((name, column, type_, *rest))
        for key in database.execute(f"PRAGMA foreign_key_list({name})"):
            facts.add((name, *key))
        for _, index, *rest in database.execute(f"PRAGMA index_list({name})"):
            columns = tuple(database.execute(f"PRAGMA index_xinfo({index})"))
            facts.add((name, "" if index.startswith("sqlite_") else index, *rest, columns))
        facts.add((name, rowid_missing))
    for name, sql in database.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"):
        if sql.startswith("CREATE TABLE"):
            facts.add((name, "AUTOINCREMENT" in sql))
        else:
            facts.add((name, "".join(sql.split())))
    return {fact for fact in facts if fact[0] != "alembic_version"}


def test_the_revisions_lead_to_the_schema_on_sqlite():
    found = sqlite_facts(steps("sqlite", None))
    assert found == sqlite_facts(";".join(definition(SQLiteDialect())))
    assert len(found) > 100


COLUMNS = """SELECT table_name, column_name, data_type, is_nullable, collation_name, is_identity
    FROM information_schema.columns WHERE table_schema = 'public'"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
CONSTRAINTS = """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace"""


async def facts(url, script=None):
    database = await asyncpg.connect(url)
    try:
        if script is not None:
            await database.execute(script)
        rows = [
            row for query in (COLUMNS, INDEXES, CONSTRAINTS) for row in await database.fetch(query)
        ]
    finally:
        await database.close()
    return {tuple(row) for row in rows if row[0] != "alembic_version"}


async def test_the_revisions_lead_to_the_schema_on_postgresql(postgres_url, empty_postgres_url):
    script = ";".join(definition(PGDialect()))
    assert await facts(postgres_url) == await facts(empty_postgres_url, script)


def steps_to(revision, engine):
    """The statements that made the schema of an earlier version."""
    config = configuration(engine)
    command.upgrade(config, f"base:{revision}", sql=True)
    return config.output_buffer.getvalue()


EARLIER = ["0001", "0002"]
KEPT = "UPDATE service SET name = 'kept'"


async def is_brought_up_to_date(url):
    await migrate(url)
    store = catalogue(url)
    await store.open()
    assert (await store.read(lambda tx: tx.service.get())).name == "kept"
    await store.close()


@pytest.mark.parametrize("revision", EARLIER)
async def test_an_earlier_version_of_sqlite_is_brought_up_to_date(tmp_path, revision):
    path = tmp_path / "catalogue.sqlite"
    database = apsw.Connection(str(path))
    database.execute(steps_to(revision, "sqlite") + KEPT).fetchall()
    database.close()
    await is_brought_up_to_date(f"sqlite:///{path}")


@pytest.mark.parametrize("revision", EARLIER)
async def test_an_earlier_version_of_postgresql_is_brought_up_to_date(empty_postgres_url, revision):
    database = await asyncpg.connect(empty_postgres_url)
    await database.execute(steps_to(revision, "postgresql") + KEPT)
    await database.close()
    await is_brought_up_to_date(empty_postgres_url)


async def rows(url, query):
    """What a query finds, on either engine."""
    if url.startswith("sqlite"):
        database = apsw.Connection(url.removeprefix("sqlite:///"))
        found = [tuple(row) for row in database.execute(query)]
        database.close()
        return found
    database = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await database.fetch(query)]
    finally:
        await database.close()


async def test_segments_learn_which_init_object_they_need(sqlite_url, empty_postgres_url):
    objects = """INSERT INTO object (id, is_init, init_pk) VALUES ('init', 1, NULL);
INSERT INTO object (id, init_pk) VALUES ('media', 1), ('other', NULL);"""
    segments = """INSERT INTO segment
    (flow_pk, start_ns, end_ns, object_pk, ts_offset, registered, end_inclusive)
VALUES (1, 0, 1, 2, 0, 1, 0), (1, 1, 2, 3, 0, 1, 0)"""
    database = apsw.Connection(sqlite_url.removeprefix("sqlite:///"))
    database.execute(steps_to("0002", "sqlite") + objects + segments).fetchall()
    database.close()
    connection = await asyncpg.connect(empty_postgres_url)
    await connection.execute(steps_to("0002", "postgresql") + objects + segments)
    await connection.close()
    for url in (sqlite_url, empty_postgres_url):
        await migrate(url)
        found = await rows(url, "SELECT start_ns, init_pk FROM segment ORDER BY start_ns")
        assert found == [(0, 1), (1, None)]
