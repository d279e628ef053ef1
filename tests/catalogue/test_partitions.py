"""Segments that lie in several tables, by the Flow they belong to; see also `conftest.url`."""

from __future__ import annotations

import asyncio
import json

import asyncpg
import pytest

from tams.catalogue.connect import migrate
from tams.catalogue.sql import postgres_migration, segment_removal, segments
from tams.catalogue.sql.migrations import HEAD, Step, steps
from tams.catalogue.sql.postgres import PostgresCatalogue
from tams.catalogue.sql.segment_pages import PAGES
from tams.errors import BadSettings
from tests.catalogue.building import add_flows, delete_segments, make_flow, page_of, register

PARTS = 4
FLOWS = 8


@pytest.fixture
async def parted(empty_postgres_url):
    """A database whose Segments are partitioned."""
    await migrate(empty_postgres_url, PARTS)
    return empty_postgres_url


@pytest.fixture
async def admin(parted):
    admin = await asyncpg.connect(parted)
    yield admin
    await admin.close()


async def fill(url):
    """Flows, each with its Segments in the same places of its table as others have theirs."""
    catalogue = PostgresCatalogue(url, connections=1)
    await catalogue.open()
    flows = [make_flow() for _ in range(FLOWS)]
    await add_flows(catalogue, *flows)
    for flow in flows:
        await register(catalogue, flow.id, *(f"[{n}:0_{n + 1}:0)" for n in range(20)))
    return catalogue, flows


async def test_a_deletion_takes_nothing_of_another_partition(parted, admin) -> None:
    """A row's place is one of its partition: others have rows in places of the same name."""
    catalogue, flows = await fill(parted)
    assert await admin.fetchval("SELECT count(DISTINCT tableoid) FROM segment") > 1
    assert (await delete_segments(catalogue, flows[0].id, "[0:0_10:0)")).number == 10
    left = [len((await page_of(catalogue, flow.id)).items) for flow in flows]
    assert left == [10] + [20] * (FLOWS - 1)
    await catalogue.close()


def visited(plan):
    """The tables of Segments that a plan really looked into."""
    if plan.get("Relation Name", "").startswith("segment") and plan["Actual Loops"]:
        yield plan["Relation Name"]
    for child in plan.get("Plans", ()):
        yield from visited(child)


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_the_segments_of_a_flow_are_looked_for_in_one_partition(parted, admin, mode) -> None:
    catalogue, flows = await fill(parted)
    await admin.execute(f"SET plan_cache_mode = {mode}")
    all_time = (-(2**63), 2**63 - 1)
    key = await admin.fetchval("SELECT pk FROM flow WHERE id = $1", flows[3].id)
    asked = [
        (page.postgresql, (flows[3].id, *all_time, 21, all_time[0]))
        for (_, by_object, *_), page in PAGES.items()
        if not by_object
    ]
    asked.append((segments.SURVEY.postgresql, (key, [], [10**9], [], 10**9, 10**10)))
    asked.append((segment_removal._SLICE.postgresql, (key, 5, *all_time)))
    for text, parameters in asked:
        explained = await admin.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", *parameters)
        assert len(set(visited(json.loads(explained)[0]["Plan"]))) == 1, text
    await catalogue.close()


async def test_partitions_are_chosen_when_a_catalogue_is_made(parted, postgres_url) -> None:
    await asyncio.gather(*(migrate(parted, PARTS) for _ in range(3)))
    await migrate(parted)
    with pytest.raises(BadSettings, match=r"made with --segment-partitions 4, .*, not 8"):
        await migrate(parted, 8)
    await migrate(postgres_url, 1)
    with pytest.raises(BadSettings, match=r"made with --segment-partitions 1, .*, not 4"):
        await migrate(postgres_url, PARTS)


def test_sqlite_has_no_partitions(sqlite_url) -> None:
    with pytest.raises(BadSettings, match="only Segments in PostgreSQL"):
        asyncio.run(migrate(sqlite_url, PARTS))


INDEXES = """SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY($1::regclass[]) AND c.relname LIKE '%later'"""


async def test_later_versions_reach_every_partition(empty_postgres_url) -> None:
    """Columns by themselves, indexes that are built beside those who write one by one."""
    database = await asyncpg.connect(empty_postgres_url)
    begin = steps("postgresql", None, PARTS)
    assert begin.count("PARTITION OF segment") == PARTS
    await database.execute(begin.partition("-- Running upgrade 0002")[0])
    await database.execute("UPDATE alembic_version SET version_num = '0002'")
    await migrate(empty_postgres_url, PARTS)
    assert await database.fetchval("SELECT version_num FROM alembic_version") == HEAD
    build = "CREATE INDEX CONCURRENTLY later ON segment (end_ns)"
    for _ in range(2):
        await postgres_migration._build(database, Step("9999", build, is_concurrent=True))
        names = ["segment", *(f"segment_{part}" for part in range(PARTS))]
        found = await database.fetch(INDEXES, names)
        assert sorted(tuple(row) for row in found) == [
            ("later", True),
            *((f"segment_{part}_later", True) for part in range(PARTS)),
        ]
    await database.close()
