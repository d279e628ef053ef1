"""No two Segments of a Flow ever overlap, whoever posts them.

Two servers share a catalogue, and eight processes post competing Segments to them. The lock of the
Flow is not the only guard: each registration takes the next number in the Flow's log, and the log's
index takes no number twice; and SQLite lets nobody write who has read an older state. So the lock
is taken out alone, when requests fail, and together with these, when Segments overlap.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import apsw
import asyncpg
import pytest

from tams.catalogue.connect import migrate
from tests.durability.client import Client
from tests.durability.flow import Listed, allocate, list_segments, make_flow, overlaps
from tests.durability.process import DEADLINE_S, PROJECT, TAMS, server_process
from tests.durability.writer import Attempt, objects_for
from tests.proof import count

WRITERS = 8
SERVERS = 2
STEPS = count(100, proof=1500)
FEW_STEPS = 20
CHANCES = 5
ENOUGH = count(100, proof=2000)
GUARD = "event_entity"


def without(lock: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "tests.durability.unlocked", lock)


def compete(
    folder: Path, catalogue: str, steps: int, command: Sequence[str] = TAMS
) -> tuple[list[Attempt], Sequence[Listed]]:
    """Let the writers loose on one Flow; return what they were told, and what is there then."""
    with ExitStack() as stack:
        urls = [
            stack.enter_context(server_process(folder, catalogue, command)).url
            for _ in range(SERVERS)
        ]
        with Client(urls[0]) as client:
            flow_id = make_flow(client)
            number = objects_for(steps)
            ids = [each["object_id"] for each in allocate(client, flow_id, WRITERS * number)]
        shares = [ids[start : start + number] for start in range(0, len(ids), number)]
        attempts = let_loose(urls, flow_id, steps, shares)
        with Client(urls[0]) as client:
            return attempts, list_segments(client, flow_id)


def let_loose(
    urls: Sequence[str],
    flow_id: str,
    steps: int,
    shares: Sequence[Sequence[str]],
    kind: str = "hasty",
) -> list[Attempt]:
    """Run a writer for each share of the Objects, all from one moment; return their attempts."""
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                writer_process(urls[number % len(urls)], flow_id, number, steps, kind)
            )
            for number in range(len(shares))
        ]
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        for writer, share in zip(writers, shares, strict=True):
            assert writer.stdin is not None
            writer.stdin.write(json.dumps(share) + "\n")
            writer.stdin.flush()
        printed = [writer.communicate(timeout=DEADLINE_S * 10)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * len(writers)
    return [Attempt(*attempt) for each in printed for attempt in json.loads(each)]


def writer_process(
    url: str, flow_id: str, seed: int, steps: int, kind: str
) -> subprocess.Popen[str]:
    arguments = (url, flow_id, str(seed), str(steps), kind)
    command = (sys.executable, "-m", "tests.durability.writer", *arguments)
    return subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def wrong(attempts: Sequence[Attempt], listed: Sequence[Listed]) -> list[str]:
    """What must not be, by what was answered and what is there."""
    there = {(each.object_id, each.start, each.end) for each in listed}
    accepted = {attempt[:3] for attempt in attempts if attempt.accepted}
    unexpected = {attempt.status for attempt in attempts} - {200, 201, 400}
    return [
        *(f"{one} and {other} overlap" for one, other in overlaps(listed)),
        *(f"{lost} was accepted and is not there" for lost in accepted - there),
        *(f"{extra} was not accepted and is there" for extra in there - accepted),
        *(f"an answer had the status {status}" for status in unexpected),
        *(["a Segment is listed twice"] if len(there) < len(listed) else []),
    ]


def test_no_two_segments_overlap(tmp_path: Path, catalogue_url: str) -> None:
    attempts, listed = compete(tmp_path, catalogue_url, STEPS)
    assert wrong(attempts, listed) == []
    created = [attempt for attempt in attempts if attempt.status == 201]
    refused = [attempt for attempt in attempts if not attempt.accepted]
    assert len({attempt.object_id for attempt in created}) >= ENOUGH
    assert len(refused) >= ENOUGH


def found_without(lock: str, folder: Path, url: str) -> Iterator[list[str]]:
    """What is wrong where a lock is missing; two must meet for that, so there are some chances."""
    for _ in range(CHANCES):
        yield wrong(*compete(folder, url, FEW_STEPS, without(lock)))


@pytest.mark.parametrize(("engine", "lock"), [("sqlite", "survey"), ("postgres", "row")])
def test_without_the_lock_of_the_flow_they_overlap(
    tmp_path: Path, engine: str, lock: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{engine}_url")
    drop_guard(url)
    found = found_without(lock, tmp_path, url)
    assert any(complaint.endswith("overlap") for each in found for complaint in each)


@pytest.mark.parametrize(("engine", "lock"), [("sqlite", "write"), ("postgres", "row")])
def test_a_second_guard_fails_requests_where_only_the_lock_is_gone(
    tmp_path: Path, engine: str, lock: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{engine}_url")
    found = next(filter(None, found_without(lock, tmp_path, url)))
    assert found == ["an answer had the status 503"]


def drop_guard(url: str) -> None:
    """Let the log of a Flow take a number twice."""
    asyncio.run(migrate(url))
    if url.startswith("sqlite"):
        database = apsw.Connection(url.removeprefix("sqlite:///"))
        database.execute(f"DROP INDEX {GUARD}")
        database.close()
    else:
        asyncio.run(drop_postgres_guard(url))


async def drop_postgres_guard(url: str) -> None:
    database = await asyncpg.connect(url)
    await database.execute(f"DROP INDEX {GUARD}")
    await database.close()
