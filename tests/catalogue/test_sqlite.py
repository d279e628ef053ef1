from __future__ import annotations

import asyncio
import re
import threading
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tams.catalogue.sql import sqlite
from tams.catalogue.sql.migrations import HEAD
from tams.catalogue.sql.segment_pages import PAGES, tagged_page
from tams.catalogue.sql.sqlite import SQLiteCatalogue
from tams.catalogue.sql.sqlite_connection import connect
from tams.domain.service import ServiceDescription
from tams.domain.tags import TagFilter
from tams.errors import BadSettings, Busy, OutcomeUnknown
from tests.catalogue.building import add_flows, get_flow, make_flow, page_of, register


@pytest.fixture
async def catalogue(tmp_path):
    catalogue = SQLiteCatalogue(tmp_path / "media" / "catalogue.db")
    await catalogue.open()
    yield catalogue
    await catalogue.close()


async def pragma(catalogue, name):
    return await catalogue._writer.submit(lambda database: database.pragma(name))


async def test_it_is_durable_unless_told_otherwise(catalogue, tmp_path):
    assert await pragma(catalogue, "synchronous") == 2
    assert await pragma(catalogue, "journal_mode") == "wal"
    assert await pragma(catalogue, "foreign_keys") == 1
    quick = SQLiteCatalogue(tmp_path / "quick.db", synchronous="OFF")
    await quick.open()
    assert await pragma(quick, "synchronous") == 0
    await quick.close()


async def test_it_is_still_there_when_opened_again(catalogue):
    flow = make_flow()
    await add_flows(catalogue, flow)
    await catalogue.close()
    await catalogue.open()
    assert await get_flow(catalogue, flow.id) == flow


async def test_two_catalogues_share_a_file(catalogue):
    other = SQLiteCatalogue(Path(catalogue._path))
    await other.open()
    flow = make_flow()
    await add_flows(other, flow)
    assert await get_flow(catalogue, flow.id) == flow
    await other.close()


async def holding(catalogue, work):
    """A work that has begun, so that those that come now wait together until `release` is set."""
    begun, release = threading.Event(), threading.Event()

    def hold(database):
        work(database)
        begun.set()
        release.wait(10)

    held = asyncio.create_task(catalogue._writer.submit(hold))
    await asyncio.to_thread(begun.wait, 10)
    return held, release


async def test_works_that_wait_together_share_a_commit(catalogue):
    commits = []
    held, release = await holding(
        catalogue, lambda database: database.set_commit_hook(lambda: bool(commits.append(1)))
    )
    flows = [make_flow() for _ in range(10)]
    tasks = [asyncio.create_task(catalogue.write(lambda tx, f=f: tx.flows.add(f))) for f in flows]
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(held, *tasks)
    assert len(commits) == 2  # that of the work that kept them waiting, and theirs
    assert [await get_flow(catalogue, flow.id) for flow in flows] == flows


async def test_a_lost_shared_transaction_runs_each_work_alone(catalogue):
    """`ROLLBACK` stands for what the engine does by itself when the disk is full."""
    runs = []
    held, release = await holding(catalogue, lambda _: None)
    flows = [make_flow() for _ in range(3)]

    def lose_once(database):
        runs.append("lost")
        if len(runs) == 1:
            database.execute("ROLLBACK")

    tasks = [asyncio.create_task(catalogue.write(lambda tx, f=f: tx.flows.add(f))) for f in flows]
    loser = asyncio.create_task(catalogue._writer.submit(lose_once))
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(held, loser, *tasks)
    assert len(runs) == 2
    assert [await get_flow(catalogue, flow.id) for flow in flows] == flows


async def test_a_commit_that_fails_is_of_unknown_outcome(catalogue):
    def refuse(database):
        database.execute("UPDATE service SET name = 'x'")
        database.set_commit_hook(lambda: True)

    with pytest.raises(OutcomeUnknown):
        await catalogue._writer.submit(refuse)
    await catalogue._writer.submit(lambda database: database.set_commit_hook(None))
    assert await catalogue.read(lambda tx: tx.service.get()) == ServiceDescription()


@pytest.mark.parametrize("way", ["read", "write"])
async def test_a_work_may_await_nothing_else(catalogue, way):
    async def work(tx):
        await tx.service.get()
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="nothing but the methods"):
        await getattr(catalogue, way)(work)
    await catalogue.ping()


async def test_a_disk_that_is_away_makes_reading_busy(catalogue):
    class Away(apsw.Connection):
        def execute(self, statements, *arguments, **options):
            if statements.startswith("SELECT"):
                raise apsw.IOError("disk I/O error")
            return super().execute(statements, *arguments, **options)

    catalogue._reader, reader = Away(catalogue._path), catalogue._reader
    with pytest.raises(Busy, match="disk I/O error"):
        await catalogue.ping()
    assert catalogue._reader.get_autocommit()
    catalogue._reader.close()
    catalogue._reader = reader
    await catalogue.ping()


async def test_another_process_that_writes_for_long_makes_it_busy(catalogue):
    await catalogue._writer.submit(lambda database: database.set_busy_timeout(1))
    # The wait is set while a transaction is open, so it holds from the next one on.
    other = apsw.Connection(catalogue._path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy, match="locked"):
        await catalogue.write(lambda tx: tx.service.replace(ServiceDescription("x")))
    other.execute("ROLLBACK")
    await catalogue.write(lambda tx: tx.service.replace(ServiceDescription("x")))
    other.close()


async def test_a_newer_schema_is_left_alone(catalogue):
    path = Path(catalogue._path)
    await catalogue._writer.submit(
        lambda database: database.execute("UPDATE alembic_version SET version_num = '9999'")
    )
    with pytest.raises(BadSettings, match="9999"):
        await SQLiteCatalogue(path).open()


@pytest.mark.parametrize("content", [b"no database, but text of some length" * 30, None])
async def test_what_is_no_catalogue_is_not_opened(tmp_path, content):
    path = tmp_path / "something"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(BadSettings, match="something"):
        await SQLiteCatalogue(path).open()


def files_held(folder):
    """What this process has open there."""
    held = [descriptor.resolve() for descriptor in Path("/proc/self/fd").iterdir()]
    return [file.name for file in held if file.is_relative_to(folder)]


async def test_one_that_cannot_be_opened_holds_no_file(tmp_path, monkeypatch):
    path = tmp_path / "catalogue.db"

    def connect_writer(*given, query_only=False, **known):
        if query_only:
            raise apsw.CantOpenError("too many open files")
        return connect(*given, **known)

    monkeypatch.setattr(sqlite, "connect", connect_writer)
    with pytest.raises(BadSettings, match="too many open files") as refused:
        await SQLiteCatalogue(path).open()
    assert files_held(tmp_path) == []
    assert refused.tb is not None  # which holds all that nobody has closed


async def steps_of_pages(catalogue, length):
    """How many steps of SQLite's machine the first, middle and last page of a Flow take."""
    flow = make_flow()
    await add_flows(catalogue, flow)
    for begin in range(0, length, 500):
        ranges = (f"[{n}:0_{n + 1}:0)" for n in range(begin, min(begin + 500, length)))
        await register(catalogue, flow.id, *ranges)
    steps = []
    catalogue._reader.trace_v2(
        apsw.SQLITE_TRACE_PROFILE,
        lambda event: steps.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]),
    )
    found = []
    for timerange in ("_", f"[{length // 2}:5_", f"[{length - 50}:5_"):
        for reverse in (False, True):
            key = None
            for _ in range(2):
                steps.clear()
                page = await page_of(
                    catalogue, flow.id, timerange, limit=20, reverse=reverse, key=key
                )
                found.append(max(steps))
                key = page.next_key
    catalogue._reader.trace_v2(0)
    return found


async def test_the_cost_of_a_page_does_not_depend_on_the_flow(catalogue):
    short = await steps_of_pages(catalogue, 200)
    long = await steps_of_pages(catalogue, 4000)
    assert all(many <= few * 1.2 for few, many in zip(short, long, strict=True)), (short, long)


async def plan_of(catalogue, text):
    """The steps of a statement, whose parameters are numbered."""
    number = max(map(int, re.findall(r"\?(\d+)", text)))
    return await catalogue._writer.submit(
        lambda database: [
            row[-1] for row in database.execute(f"EXPLAIN QUERY PLAN {text}", [0] * number)
        ]
    )


async def test_segments_are_found_by_their_key(catalogue):
    for statement in PAGES.values():
        plan = await plan_of(catalogue, statement.sqlite)
        assert not any("SCAN" in step or "TEMP B-TREE" in step for step in plan), plan


async def test_segments_with_a_tag_are_found_by_it(catalogue):
    by_tag = TagFilter({"kind": ("goal",), "of": ("red", "blue")}, {"old": False, "new": True})
    for shape in PAGES:
        plan = await plan_of(catalogue, tagged_page(shape, by_tag)[0].sqlite)
        assert plan[0].startswith("SEARCH t USING PRIMARY KEY (flow_pk=? AND name=? AND value=?")
        assert not any("TEMP B-TREE" in step for step in plan), plan


def test_one_that_looked_before_another_migrated_finds_it_done(tmp_path):
    path = tmp_path / "catalogue.sqlite"
    with closing(connect(str(path))) as early:
        assert sqlite._version(early) is None
        sqlite.migrate(path)
        sqlite._migrate(early)
        assert sqlite._version(early) == HEAD
