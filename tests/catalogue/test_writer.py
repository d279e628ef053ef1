"""The writer's thread on a connection whose statements fail as they are told to."""

from __future__ import annotations

import asyncio
import threading

import apsw
import pytest

from tams.catalogue.sql.writer import Writer
from tams.errors import Busy, OutcomeUnknown


class Failing(apsw.Connection):
    """A database in memory; a statement that is named in `failures` fails so many times."""

    def __init__(self) -> None:
        super().__init__(":memory:")
        self.failures: dict[str, int] = {}
        self.error: BaseException = apsw.IOError("the disk is away")

    def execute(self, statements, *arguments, **options):
        if self.failures.get(statements):
            self.failures[statements] -= 1
            raise self.error
        return super().execute(statements, *arguments, **options)


@pytest.fixture
def database():
    database = Failing()
    database.execute("CREATE TABLE done (name)")
    return database


@pytest.fixture
async def writer(database):
    writer = Writer(database, 100)
    writer.start()
    yield writer
    database.failures.clear()
    await writer.close()


def note(name):
    return lambda database: database.execute("INSERT INTO done VALUES (?)", (name,)) and name


def refuse(database):
    note("refused")(database)
    raise ValueError("refused")


async def together(writer, failures, *attempts):
    """The outcomes of works that wait at the same time, so run in one transaction."""
    begun, release = threading.Event(), threading.Event()

    def hold(database):
        begun.set()
        release.wait(10)
        database.failures |= failures

    held = asyncio.create_task(writer.submit(hold))
    await asyncio.to_thread(begun.wait, 10)
    tasks = [asyncio.create_task(writer.submit(attempt)) for attempt in attempts]
    await asyncio.sleep(0)
    release.set()
    await held
    return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)


async def answer(writer, attempt):
    return await asyncio.wait_for(writer.submit(attempt), 10)


async def done(writer):
    return await answer(
        writer, lambda database: [name for (name,) in database.execute("SELECT name FROM done")]
    )


async def test_a_rollback_that_fails_is_made_up_for_before_the_next_work(writer, database):
    database.failures["ROLLBACK"] = 1
    with pytest.raises(ValueError, match="refused"):
        await answer(writer, refuse)
    assert await answer(writer, note("a")) == "a"
    assert await done(writer) == ["a"]


async def test_while_nothing_can_be_rolled_back_every_work_is_refused(writer, database):
    database.failures["ROLLBACK"] = 3
    with pytest.raises(ValueError, match="refused"):
        await answer(writer, refuse)
    with pytest.raises(Busy, match="the disk is away"):
        await answer(writer, note("a"))
    assert await answer(writer, note("b")) == "b"
    assert await done(writer) == ["b"]


async def test_a_commit_and_a_rollback_that_fail_leave_nobody_waiting(writer, database):
    database.failures |= {"COMMIT": 1, "ROLLBACK": 1}
    with pytest.raises(OutcomeUnknown):
        await answer(writer, note("a"))
    assert await done(writer) == []


async def test_a_shared_transaction_that_is_lost_and_cannot_be_rolled_back(writer):
    failures = {"ROLLBACK TO work": 1, "ROLLBACK": 1}
    a, refusal, b = await together(writer, failures, note("a"), refuse, note("b"))
    assert (a, b) == ("a", "b")
    assert isinstance(refusal, ValueError)
    assert await done(writer) == ["a", "b"]


@pytest.mark.parametrize(
    ("error", "told"), [(apsw.IOError("away"), Busy), (MemoryError(), MemoryError)]
)
async def test_a_transaction_that_does_not_begin_is_each_callers_error(
    writer, database, error, told
):
    database.error = error
    outcomes = await together(writer, {"BEGIN IMMEDIATE": 1}, *map(note, "abc"))
    assert [type(outcome) for outcome in outcomes] == [told] * 3
    assert await done(writer) == []


async def test_a_closed_writer_has_finished_what_waited_and_holds_no_connection(database):
    writer = Writer(database, 100)
    writer.start()
    waiting = asyncio.create_task(writer.submit(note("a")))
    await asyncio.sleep(0)
    await writer.close()
    assert await waiting == "a"
    with pytest.raises(apsw.ConnectionClosedError):
        database.execute("SELECT name FROM done")
