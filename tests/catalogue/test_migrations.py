from __future__ import annotations

import apsw
import asyncpg
from alembic.script import ScriptDirectory
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.schema import CreateIndex, CreateTable

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


def normal(script):
    database = apsw.Connection(":memory:")
    database.execute(script)
    rows = database.execute("SELECT name, sql FROM sqlite_schema WHERE name <> 'alembic_version'")
    return {
        name: "".join((sql or "").split())
        for name, sql in rows
        if not name.startswith("sqlite_autoindex_alembic")
    }


def test_the_revisions_lead_to_the_schema_on_sqlite():
    assert normal(steps("sqlite", None)) == normal(";".join(definition(SQLiteDialect())))


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
