"""Three server processes and two workers share a store, and now and then one is killed.

Meanwhile writers compete for one Flow, media is brought into another, further Flows are deleted
behind the answer, and a webhook is told of all. Clients repeat what was not answered. Then no
Segments overlap, nothing acknowledged is lost or there twice, all bytes are what was sent, and all
that was left to the workers is done.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from threading import Event, Thread
from time import monotonic
from typing import Any
from uuid import uuid4

import apsw
import asyncpg
import pytest

from tams.conformance.server import flow_body
from tams.domain.timerange import SECOND, TimeRange
from tests.durability.client import PatientClient
from tests.durability.flow import allocate, list_segments, make_flow
from tests.durability.process import DEADLINE_S, ServerProcess, WorkerProcess, server_process
from tests.durability.test_competing_writers import let_loose, wrong
from tests.durability.writer import objects_for
from tests.proof import count
from tests.receivers import NotingReceiver, noting

SERVERS = 3
WORKERS = 2
WRITERS = count(4, proof=8)
STEPS = count(25, proof=1500)
PAUSE_S = count(4, proof=20) / 10
"""From one kill to the next."""
LEAST_KILLS = count(4, proof=30)
DELETED = 30
"""Segments of each Flow that is deleted."""
PATIENCE_S = count(30, proof=150)
"""What lies with a killed worker is taken up when its lease has ended."""
SIZE = 200_000
STORES = [
    ("sqlite", "folder"),
    ("postgres", "s3"),
    *([("postgres", "folder")] * count(0, proof=1)),
]
SETTINGS = {
    "async_deletion_threshold": "0",
    "webhook_allow": "127.0.0.1",
    "webhook_timeout": "0.5",
    "worker_interval": "0.1",
}


@dataclass
class Killer:
    """Kills one after the other, of the processes that `alive` gives, until told to stop."""

    server: ServerProcess
    workers: list[WorkerProcess]
    killed: int = 0
    stopped: Event = field(default_factory=Event)

    def run(self) -> None:
        chance = Random(7)
        while not self.stopped.wait(PAUSE_S) or self.killed < LEAST_KILLS:
            chosen = chance.randrange(SERVERS + WORKERS)
            if chosen < WORKERS:
                self.workers[chosen].kill()
                self.workers[chosen] = self.workers[chosen].again()
                self.killed += 1
            elif serving := self.serving():
                with suppress(ProcessLookupError):  # it ended since
                    os.kill(chance.choice(serving), signal.SIGKILL)
                    self.killed += 1

    def serving(self) -> list[int]:
        """The server processes that have begun and not ended."""
        begun, ended = (
            re.findall(rf"{word}=(\d+)", self.server.said) for word in ("begun", "ended")
        )
        return [int(each) for each in begun if each not in ended]


@dataclass
class Deleter:
    """Makes Flows and has them deleted behind the answer, until told to stop."""

    url: str
    requests: set[str] = field(default_factory=set)
    stopped: Event = field(default_factory=Event)

    def run(self) -> None:
        with PatientClient(self.url) as client:
            while not self.stopped.wait(PAUSE_S / 4):
                flow = flow_body("data")
                path = f"/flows/{flow['id']}"
                # The second of each is what a repetition meets, if the answer was lost.
                assert client.ask("PUT", path, flow).status in (201, 204)
                assert client.ask("POST", f"{path}/segments", external()).status == 201
                answer = client.ask("DELETE", path)
                assert answer.status in (202, 404)
                if answer.status == 202:
                    self.requests.add(answer.headers["location"])


@dataclass
class Uploader:
    """Brings media into a Flow, until told to stop; knows what it has brought."""

    url: str
    flow_id: str
    brought: dict[str, bytes] = field(default_factory=dict)
    stopped: Event = field(default_factory=Event)

    def run(self) -> None:
        chance = Random(3)
        with PatientClient(self.url) as client:
            while not self.stopped.wait(PAUSE_S / 8):
                (item,) = allocate(client, self.flow_id, 1)
                content = chance.randbytes(SIZE)
                with PatientClient(item["put_url"]["url"]) as storage:
                    assert storage.upload(item["put_url"], [content], SIZE).status == 200
                at = len(self.brought) * SECOND
                timerange = str(TimeRange(at, at + SECOND))
                segment = {"object_id": item["object_id"], "timerange": timerange}
                path = f"/flows/{self.flow_id}/segments"
                assert client.ask("POST", path, segment).status == 201
                self.brought[item["object_id"]] = content

    def check(self) -> None:
        """Read all that was brought."""
        with PatientClient(self.url) as client:
            listed = list_segments(client, self.flow_id)
        assert [each.object_id for each in listed] == list(self.brought)
        for each in listed:
            url = each.url or ""
            with PatientClient(url) as storage:
                assert storage.ask("GET", url).body == self.brought[each.object_id]


def external() -> list[dict[str, Any]]:
    return [
        {
            "object_id": str(uuid4()),
            "timerange": str(TimeRange(at * SECOND, (at + 1) * SECOND)),
            "get_urls": [{"url": f"https://media.example/{at}", "label": "elsewhere"}],
        }
        for at in range(DELETED)
    ]


@contextmanager
def running(*actors: Killer | Deleter | Uploader) -> Iterator[None]:
    """Let them act beside the block."""
    threads = [Thread(target=actor.run) for actor in actors]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for actor in actors:
            actor.stopped.set()
        for thread in threads:
            thread.join()


@contextmanager
def several(folder: Path, catalogue: str, **settings: str) -> Iterator[Killer]:
    """Servers and workers, whoever of them is alive, are killed at the end."""
    apart = {"background": "false", "workers": str(SERVERS)}
    with server_process(folder, catalogue, **settings, **apart) as server:
        workers = [WorkerProcess(folder, catalogue, server.url, **settings) for _ in range(WORKERS)]
        try:
            yield Killer(server, workers)
        finally:
            for worker in workers:
                worker.kill()


@pytest.fixture(params=STORES, ids=" and ".join)
def store(request: pytest.FixtureRequest) -> tuple[str, dict[str, str]]:
    """The URL of a catalogue, and the settings of a storage."""
    engine, storage = request.param
    catalogue = request.getfixturevalue(f"{engine}_url")
    return catalogue, {"storage": request.getfixturevalue("s3_url")} if storage == "s3" else {}


async def test_one_that_is_killed_is_missed_by_nobody(
    tmp_path: Path, store: tuple[str, dict[str, str]]
) -> None:
    catalogue, storage = store
    async with noting() as receiver:
        run = partial(kill_and_compare, tmp_path, catalogue, receiver, **storage)
        assert await asyncio.to_thread(run) >= LEAST_KILLS


def kill_and_compare(
    folder: Path, catalogue: str, receiver: NotingReceiver, **settings: str
) -> int:
    """Gives how many were killed."""
    with several(folder, catalogue, **SETTINGS, **settings) as killer:
        url = killer.server.url
        with PatientClient(url) as client:
            webhook = {"url": receiver.url, "events": ["flows/segments_added"]}
            assert client.ask("POST", "/service/webhooks", webhook).status == 201
            flow_id = make_flow(client)
            number = objects_for(STEPS)
            ids = [each["object_id"] for each in allocate(client, flow_id, WRITERS * number)]
            deleter, uploader = Deleter(url), Uploader(url, make_flow(client))
        shares = [ids[start : start + number] for start in range(0, len(ids), number)]
        with running(killer, deleter, uploader):
            attempts = let_loose([url], flow_id, STEPS, shares, "patient")
        with PatientClient(url) as client:
            listed = list_segments(client, flow_id)
            assert wrong(attempts, listed) == []
            assert any(not attempt.accepted for attempt in attempts)
            answer = client.ask("DELETE", f"/flows/{flow_id}")
            assert answer.status == 202
            deleter.requests.add(answer.headers["location"])
            asyncio.run(end_leases(catalogue))
            until_all_is_done(client, deleter.requests)
        uploader.check()
        assert uploader.brought
        until_told({each.object_id for each in listed}, receiver)
        assert asyncio.run(left(catalogue)) == (0, 0)
        assert [worker.stop() for worker in killer.workers] == [0] * WORKERS
        assert killer.server.stop() == 0
        return killer.killed


def until_all_is_done(client: PatientClient, requests: set[str]) -> None:
    """Wait for the deletions that were acknowledged, and for those whose answers were lost."""
    end = monotonic() + PATIENCE_S
    while True:
        states = {request: client.ask("GET", request).json["status"] for request in requests}
        others = client.ask("GET", "/flow-delete-requests").json
        if {*states.values(), *(each["status"] for each in others)} == {"done"}:
            return
        assert monotonic() < end, states


def until_told(object_ids: set[str], receiver: NotingReceiver) -> None:
    """Wait until the receiver has heard of every Segment with these Objects."""
    end = monotonic() + PATIENCE_S
    while not object_ids <= {
        segment["object_id"]
        for _, body in list(receiver.accepted)
        for segment in body["event"]["segments"]
    }:
        assert monotonic() < end


DUE_DELETIONS = "SELECT count(*) FROM job WHERE kind IN ('remove_flow', 'delete_segments')"
GONE_FLOWS = "SELECT count(*) FROM flow WHERE gone_at IS NOT NULL"
END_LEASES = "UPDATE job SET due = 0 WHERE attempt > 0"


async def left(catalogue: str) -> tuple[int, int]:
    """Jobs and rows that deletions have left behind."""
    jobs, flows = [await ask(catalogue, text) for text in (DUE_DELETIONS, GONE_FLOWS)]
    return jobs, flows


async def end_leases(catalogue: str) -> None:
    """In the test, spare the wait for the leases of the killed; in the proof, wait."""
    if PATIENCE_S < 60:
        await ask(catalogue, END_LEASES)


async def ask(catalogue: str, text: str) -> int:
    """Run a statement; the number that it gives."""
    if catalogue.startswith("sqlite"):
        database = apsw.Connection(catalogue.removeprefix("sqlite:///"))
        database.set_busy_timeout(DEADLINE_S * 1000)
        found = database.execute(text).fetchone()
        database.close()
        return found[0] if found else 0
    connection = await asyncpg.connect(catalogue)
    found = await connection.fetchval(text)
    await connection.close()
    return found or 0
