"""Bytes pass through the server and are never in its memory, whatever their number."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tams.conformance.server import flow_body
from tests.durability.process import ServerProcess, server_process
from tests.extensions.forms import HEADERS, declared, file, written
from tests.proof import count

MIB = 1 << 20
SIZES = {
    "folder": count(192 * MIB, proof=2048 * MIB),
    "bucket": count(192 * MIB, proof=512 * MIB),  # the object store of the tests is in memory
}
BOUND = 64 * MIB
BLOCK = random.Random(7).randbytes(MIB)


def content(size: int) -> Iterator[bytes]:
    """So many bytes, of which no two mebibytes are the same."""
    for number in range(size // MIB):
        yield number.to_bytes(8, "big") + BLOCK[8:]


class Memory:
    """What is resident of a process from now on, at most, above what is now."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")
        (self._folder / "clear_refs").write_text("5")  # the peak begins anew
        self._before = self._bytes("VmRSS")

    def grown(self) -> int:
        return self._bytes("VmHWM") - self._before

    def _bytes(self, name: str) -> int:
        lines = (self._folder / "status").read_text().splitlines()
        found = next(line for line in lines if line.startswith(f"{name}:"))
        return int(found.split()[1]) * 1024


class Uploader:
    """A client of one server."""

    def __init__(self, server: ServerProcess) -> None:
        self._connection = HTTPConnection(urlsplit(server.url).netloc, timeout=300)

    def close(self) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: object = None, **headers: str):
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        self._connection.request(method, path, data, headers)
        return self._connection.getresponse()

    def flow(self) -> str:
        flow = flow_body(container="video/mp4")
        answer = self.ask("PUT", f"/flows/{flow['id']}", flow)
        assert (answer.status, bool(answer.read())) == (201, True)
        return flow["id"]

    def upload(self, flow_id: str, timerange: str, chunks: Iterator[bytes], size: int):
        before, after = written(declared({"timerange": timerange}), file(b"")).rsplit(b"\r\n--", 1)
        after = b"\r\n--" + after

        def body() -> Iterator[bytes]:
            yield before
            yield from chunks
            yield after

        answer = self.ask(
            "POST",
            f"/flows/{flow_id}/segments",
            body(),
            **HEADERS,
            **{"Content-Length": str(len(before) + size + len(after))},
        )
        told = answer.read()
        assert answer.status == 201, told
        return json.loads(told)

    def digest(self, path: str) -> tuple[int, str]:
        """How many bytes lie there, and what they add up to."""
        answer = self.ask("GET", path)
        assert answer.status == 200
        size, digest = 0, hashlib.sha256()
        while chunk := answer.read(MIB):
            size += len(chunk)
            digest.update(chunk)
        return size, digest.hexdigest()


@pytest.fixture(params=SIZES)
def place(request: pytest.FixtureRequest) -> str:
    """Where media lie."""
    return str(request.param)


@pytest.fixture
def server(
    request: pytest.FixtureRequest, place: str, tmp_path: Path, sqlite_url: str
) -> Iterator[ServerProcess]:
    """A process of its own."""
    chosen = {"storage": request.getfixturevalue("s3_url")} if place == "bucket" else {}
    with server_process(tmp_path, sqlite_url, **chosen) as started:
        yield started


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Uploader]:
    with closing(Uploader(server)) as opened:
        yield opened


def test_large_files_take_no_memory_in_either_direction(
    server: ServerProcess, client: Uploader, place: str
) -> None:
    size = SIZES[place]
    flow_id = client.flow()
    small = client.upload(flow_id, "[0:0_1:0)", iter([BLOCK]), MIB)  # what is loaded, is loaded
    assert client.digest(f"/flows/{flow_id}/segments/{small['id']}/data")[0] == MIB
    memory = Memory(server.pid)
    told = client.upload(flow_id, "[1:0_2:0)", content(size), size)
    assert told["file_size"] == size
    assert memory.grown() < BOUND
    memory = Memory(server.pid)
    expected = hashlib.sha256()
    for chunk in content(size):
        expected.update(chunk)
    at = f"/flows/{flow_id}/segments/{told['id']}/data"
    assert client.digest(at) == (size, expected.hexdigest())
    assert memory.grown() < BOUND
    head = client.ask("HEAD", at)
    assert (head.status, head.headers["Content-Length"], head.read()) == (200, str(size), b"")
    part = client.ask("GET", at, Range=f"bytes={size - 5}-")
    assert (part.status, part.read()) == (206, BLOCK[-5:])
