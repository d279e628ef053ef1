"""A server that is killed has kept what it acknowledged, and shows nothing half-written.

The kill comes at a random one of the moments at which a client has sent a
piece of an upload or has had an answer, while other requests are under way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from pathlib import Path
from random import Random
from threading import Event, Lock, Thread
from typing import Any
from uuid import uuid4

from tams.domain.timerange import TimeRange
from tests.durability.client import TIMEOUT_S, Client
from tests.durability.flow import allocate, list_segments, make_flow
from tests.durability.process import ServerProcess
from tests.proof import count

ROUNDS = count(2, proof=20)
POSTERS = 2
UPLOADERS = 3
BATCH = 1300
SLICE = 1000
"""How many Segments of a batch are registered together."""
PIECE = 64 << 10
PIECES = 6
MOMENTS = 120
"""The last at which the kill may come; each round takes a few seconds to get there."""
SECOND = 1_000_000_000


class Moments:
    """Counts what happens, and tells when the chosen number is reached."""

    def __init__(self, chosen: int) -> None:
        self._left = chosen
        self._lock = Lock()
        self.reached = Event()
        self.registered = Event()
        """A batch was acknowledged: without one, a kill would prove little on a slow machine."""
        self.killed = Event()

    def tick(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left <= 0:
                self.reached.set()


@dataclass
class Upload:
    """An Object, and what its bytes must be if there are any."""

    object_id: str
    content: bytes
    acknowledged: bool = False
    registered: bool = False


@dataclass
class Batch:
    """Segments that were posted together, by the ids of their Objects."""

    object_ids: list[str]
    acknowledged: bool = False


@dataclass
class History:
    """What clients did with their Flows before the kill."""

    uploads: list[tuple[str, Upload]] = field(default_factory=list)
    batches: list[tuple[str, Batch]] = field(default_factory=list)


Act = Callable[[Client, str, History, Moments], None]


def post_batches(client: Client, flow_id: str, history: History, moments: Moments) -> None:
    """Register batches of external Objects, one after another, until the server is gone."""
    for number in range(MOMENTS):
        batch = Batch([str(uuid4()) for _ in range(BATCH)])
        history.batches.append((flow_id, batch))
        first = number * BATCH
        answer = client.ask("POST", f"/flows/{flow_id}/segments", external(batch, first))
        assert answer.status == 201
        batch.acknowledged = True
        moments.registered.set()
        moments.tick()


def external(batch: Batch, first: int) -> list[dict[str, Any]]:
    return [
        {
            "object_id": object_id,
            "timerange": str(TimeRange(at * SECOND, (at + 1) * SECOND)),
            "get_urls": [{"url": f"https://media.example/{object_id}", "label": "elsewhere"}],
        }
        for at, object_id in enumerate(batch.object_ids, first)
    ]


def upload_objects(client: Client, flow_id: str, history: History, moments: Moments) -> None:
    """Upload and register Objects, one after another, until the server is gone."""
    random = Random(flow_id)
    for number, allocated in enumerate(allocate(client, flow_id, MOMENTS)):
        upload = Upload(allocated["object_id"], random.randbytes(PIECE * PIECES + number))
        history.uploads.append((flow_id, upload))
        pieces = ticking(upload.content, moments)
        answer = client.upload(allocated["put_url"], pieces, len(upload.content))
        assert answer.status == 200
        upload.acknowledged = True
        moments.tick()
        if number % 2:  # the others are registered after the kill
            register(client, flow_id, upload, number)
            moments.tick()


def ticking(content: bytes, moments: Moments) -> Iterator[bytes]:
    for start in range(0, len(content), PIECE):
        yield content[start : start + PIECE]
        moments.tick()


def stall(client: Client, flow_id: str, history: History, moments: Moments, sent: Event) -> None:
    """Upload half of an Object, and the rest once the server is gone."""
    (allocated,) = allocate(client, flow_id, 1)
    upload = Upload(allocated["object_id"], bytes(2 * PIECE))
    history.uploads.append((flow_id, upload))

    def pieces() -> Iterator[bytes]:
        yield bytes(PIECE)
        sent.set()
        moments.killed.wait(TIMEOUT_S)
        yield bytes(PIECE)

    client.upload(allocated["put_url"], pieces(), len(upload.content))


def register(client: Client, flow_id: str, upload: Upload, number: int) -> None:
    timerange = TimeRange(number * SECOND, (number + 1) * SECOND)
    segment = {"object_id": upload.object_id, "timerange": str(timerange)}
    assert client.ask("POST", f"/flows/{flow_id}/segments", segment).status == 201
    upload.registered = True


def busy_until_killed(server: ServerProcess, chosen: int) -> History:
    """Let clients at the server, and kill it at the chosen moment."""
    history, moments, sent = History(), Moments(chosen), Event()
    acts = [partial(stall, sent=sent)] + [post_batches] * POSTERS + [upload_objects] * UPLOADERS
    threads = []
    for act in acts:
        with Client(server.url) as client:
            flow_id = make_flow(client)
        thread = Thread(target=run, args=(act, server.url, flow_id, history, moments))
        thread.start()
        threads.append(thread)
        assert sent.wait(TIMEOUT_S)
    reached = moments.registered.wait(TIMEOUT_S) and moments.reached.wait(TIMEOUT_S)
    server.kill()
    moments.killed.set()
    for thread in threads:
        thread.join()
    assert reached
    return history


def run(act: Act, url: str, flow_id: str, history: History, moments: Moments) -> None:
    """Act on a Flow; a server that is gone is what ends it."""
    with suppress(OSError, HTTPException), Client(url) as client:
        act(client, flow_id, history, moments)


def check(client: Client, history: History) -> None:
    """Compare what is there with what was acknowledged."""
    for flow_id in {flow_id for flow_id, _ in history.batches}:
        batches = [batch for of, batch in history.batches if of == flow_id]
        check_batches(batches, {each.object_id for each in list_segments(client, flow_id)})
    for flow_id in {flow_id for flow_id, _ in history.uploads}:
        check_uploads(client, flow_id, [upload for of, upload in history.uploads if of == flow_id])


def check_batches(batches: Sequence[Batch], there: set[str]) -> None:
    """Acknowledged batches are whole; of others, each slice is there or not."""
    for batch in batches:
        for start in range(0, BATCH, SLICE):
            ids = set(batch.object_ids[start : start + SLICE])
            assert ids <= there or (not batch.acknowledged and not ids & there)
            there -= ids
    assert there == set()


def check_uploads(client: Client, flow_id: str, uploads: Sequence[Upload]) -> None:
    """Acknowledged bytes are whole; of others, all are there or none."""
    before = {each.object_id for each in list_segments(client, flow_id)}
    assert {upload.object_id for upload in uploads if upload.registered} <= before
    for number, upload in enumerate(uploads):
        if upload.object_id not in before:
            register(client, flow_id, upload, number)
    urls = {each.object_id: each.url for each in list_segments(client, flow_id)}
    assert set(urls) == {upload.object_id for upload in uploads}
    for upload in uploads:
        answer = client.ask("GET", urls[upload.object_id] or "")
        if answer.status == 404:
            assert not upload.acknowledged
        else:
            assert answer.status == 200
            assert hash_of(answer.body) == hash_of(upload.content)


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def unfinished(folder: Path) -> list[Path]:
    return list((folder / "data" / "media" / ".uploads").iterdir())


def test_a_killed_server_kept_what_it_acknowledged(tmp_path: Path, catalogue_url: str) -> None:
    random = Random(5)
    histories: list[History] = []
    server = ServerProcess(tmp_path, catalogue_url)
    try:
        for _ in range(ROUNDS):
            histories.append(busy_until_killed(server, random.randint(MOMENTS // 4, MOMENTS)))
            assert unfinished(tmp_path) != []
            server = ServerProcess(tmp_path, catalogue_url)
            assert unfinished(tmp_path) == []
            with Client(server.url) as client:
                check(client, histories[-1])
        with Client(server.url) as client:
            for history in histories[:-1]:
                check(client, history)
    finally:
        server.kill()
    assert any(batch.acknowledged for history in histories for _, batch in history.batches)
    assert any(upload.acknowledged for history in histories for _, upload in history.uploads)
