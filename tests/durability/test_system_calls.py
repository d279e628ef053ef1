"""What the server process asks of the kernel before it acknowledges anything.

A killed process loses nothing that it wrote, synced or not, so only the order
of the calls shows what a power cut would leave.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest

from tams.domain.timerange import TimeRange
from tests.durability.client import Client
from tests.durability.flow import allocate, make_flow
from tests.durability.process import TAMS, ServerProcess
from tests.proof import count
from tests.tracing import (
    Call,
    calls_of,
    syncs_of,
    traced,
    upload_steps,
    wrong_with_commit,
    wrong_with_upload,
)

CLIENTS = 4
POSTS = count(5, proof=50)
BATCH = 5
UPLOADS = count(3, proof=20)
SECOND = 1_000_000_000


class Traced(NamedTuple):
    """What a server did while it registered these Objects, and took bytes for those."""

    calls: list[Call]
    folder: Path
    registered: list[str]
    uploaded: list[str]

    @property
    def wal(self) -> Path:
        return self.folder / "catalogue.sqlite-wal"

    @property
    def media(self) -> Path:
        return self.folder / "data" / "media"

    def path_of(self, object_id: str) -> Path:
        (path,) = self.media.rglob(f"{object_id}*")
        return path

    def wrong_with_uploads(self, calls: list[Call]) -> list[str]:
        paths = [self.path_of(object_id) for object_id in self.uploaded]
        return [
            wrong
            for path in paths
            for wrong in wrong_with_upload(upload_steps(calls, path, self.media), path)
        ]

    def wrong_with_commits(self, calls: list[Call]) -> list[str]:
        return [
            wrong
            for object_id in self.registered
            for wrong in wrong_with_commit(calls, object_id, self.wal)
        ]


def trace(folder: Path, synchronous: str) -> Traced:
    """Watch a server while clients post at once, then upload."""
    log = folder / "trace"
    command = (*traced(log), *TAMS)
    catalogue = f"sqlite:///{folder}/catalogue.sqlite"
    server = ServerProcess(folder, catalogue, command, synchronous=synchronous)
    try:
        with ThreadPoolExecutor(CLIENTS) as clients:
            registered = [*clients.map(register, [server.url] * CLIENTS)]
        uploaded = upload(server.url)
        server.stop()
    finally:
        server.kill()
    return Traced(calls_of(log.read_text()), folder, [*chain(*registered)], uploaded)


def register(url: str) -> list[str]:
    """Register Segments one by one and then together, each of an Object of its own."""
    ids = [str(uuid4()) for _ in range(POSTS + BATCH)]
    posts = [
        {
            "object_id": object_id,
            "timerange": str(TimeRange(at * SECOND, (at + 1) * SECOND)),
            "get_urls": [{"url": "https://media.example/object", "label": "elsewhere"}],
        }
        for at, object_id in enumerate(ids)
    ]
    with Client(url) as client:
        flow_id = make_flow(client)
        for body in (*posts[:POSTS], posts[POSTS:]):
            assert client.ask("POST", f"/flows/{flow_id}/segments", body).status == 201
    return ids


def upload(url: str) -> list[str]:
    """Upload Objects."""
    content = b"x" * 100_000
    with Client(url) as client:
        objects = allocate(client, make_flow(client), UPLOADS)
        for allocated in objects:
            assert client.upload(allocated["put_url"], [content], len(content)).status == 200
    return [allocated["object_id"] for allocated in objects]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """A server as it is by default."""
    return trace(tmp_path_factory.mktemp("honest"), "FULL")


def test_every_201_of_a_segment_post_follows_the_sync_of_its_commit(honest: Traced) -> None:
    assert honest.wrong_with_commits(honest.calls) == []


def test_a_server_without_synchronous_commits_is_found(tmp_path: Path) -> None:
    careless = trace(tmp_path, "OFF")
    assert careless.wrong_with_commits(careless.calls) == ["sync"] * len(careless.registered)
    assert careless.wrong_with_uploads(careless.calls) == []


def test_a_commit_without_its_sync_is_found(honest: Traced) -> None:
    syncs = syncs_of(honest.calls, f"{honest.wal}>")
    without = [call for call in honest.calls if call not in syncs]
    assert set(honest.wrong_with_commits(without)) == {"sync"}


def test_every_200_of_an_upload_follows_its_syncs_and_its_rename(honest: Traced) -> None:
    assert honest.wrong_with_uploads(honest.calls) == []


def test_an_upload_without_one_of_its_calls_is_found(honest: Traced) -> None:
    for object_id in honest.uploaded:
        path = honest.path_of(object_id)
        steps = upload_steps(honest.calls, path, honest.media)
        for name in set(steps) - {"answer"}:
            assert name in wrong_with_upload(steps | {name: []}, path)
