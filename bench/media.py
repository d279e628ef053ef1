"""What the bytes of media cost that the server reads from its own folder, beside nginx."""

from __future__ import annotations

import os
import socket
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from bench.figures import Figure, Run
from bench.nginx import file_server, find_nginx
from bench.process import Process, store
from bench.segments import new_flow

MEBIBYTE = 1 << 20
SIZES = (2 * MEBIBYTE, 64 * MEBIBYTE)
SHARE = 0.7
LONG_RUN = 1024 * MEBIBYTE
FLAT = 8
"""MiB by which the peak of memory may grow while a GiB is downloaded."""


class Speed(NamedTuple):
    """Bytes in a second of the server's CPU, and in one of the clock's."""

    by_cpu: float
    by_clock: float


class Download:
    """A kept connection over which one file is fetched, and its bytes forgotten."""

    def __init__(self, server: Process, path: str, size: int) -> None:
        self._server = server
        self._size = size
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        where = urlsplit(server.url)
        self._socket = socket.create_connection((where.hostname, where.port))
        self._space = memoryview(bytearray(MEBIBYTE))

    def speed(self, times: int) -> Speed:
        """Fetch the file so many times; raises `RuntimeError` unless all of it comes."""
        self.fetch()
        begun, used = time.perf_counter(), self._server.cpu()
        for _ in range(times):
            self.fetch()
        used, seconds = self._server.cpu() - used, time.perf_counter() - begun
        return Speed(times * self._size / used, times * self._size / seconds)

    def fetch(self) -> None:
        """Fetch the file once."""
        self._socket.sendall(self._request)
        head, end, body = b"", b"", b""
        while not end:
            received = self._socket.recv(4096)
            head, end, body = (head + received).partition(b"\r\n\r\n")
            if not received or len(head) > 8192:
                raise RuntimeError(f"no answer but {head[:200]!r}")
        length = f"content-length: {self._size}\r\n".encode()
        if not head.startswith(b"HTTP/1.1 200") or length not in head.lower() + b"\r\n":
            raise RuntimeError(f"{head[:400]!r}")
        left = self._size - len(body)
        while left:
            read = self._socket.recv_into(self._space, min(left, MEBIBYTE))
            if not read:
                raise RuntimeError(f"{left} bytes are missing")
            left -= read

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


def rows(run: Run) -> Iterator[Figure]:
    """The rows of each size, and of memory."""
    nginx = find_nginx()
    with tempfile.TemporaryDirectory() as folder, store(TAMS_DATA_DIR=folder) as server:
        paths = {size: upload(server, size) for size in SIZES}
        for size, path in paths.items():
            if nginx is None:
                work = f"GET of {size // MEBIBYTE} MiB of media, beside nginx"
                yield Figure(work, "nginx is not installed", f"at least {SHARE:.0%}", held=None)
                continue
            file = _stored(Path(folder), size)
            with file_server(nginx, file.parent) as plain:
                pairs = _in_turn(run, server, path, plain, f"/{file.name}", size)
            yield from _beside(size, pairs)
        yield _memory(server, paths[SIZES[-1]], SIZES[-1])


def upload(server: Process, size: int) -> str:
    """Store media of that many bytes as a Segment; returns where to GET them, below the server."""
    flow_id = new_flow(server)
    [allocated] = server.call("POST", f"/flows/{flow_id}/storage", {"limit": 1})["media_objects"]
    put = allocated["put_url"]
    request = urllib.request.Request(
        put["url"],
        data=os.urandom(size),
        method="PUT",
        headers={"Content-Type": put["content-type"]},
    )
    with urllib.request.urlopen(request):
        pass
    new = {"object_id": allocated["object_id"], "timerange": "[0:0_1:0)"}
    server.call("POST", f"/flows/{flow_id}/segments", new)
    [segment] = server.call("GET", f"/flows/{flow_id}/segments")
    where = urlsplit(segment["get_urls"][0]["url"])
    return f"{where.path}?{where.query}"


def _stored(folder: Path, size: int) -> Path:
    [file] = [each for each in folder.rglob("*") if each.is_file() and each.stat().st_size == size]
    return file


def _in_turn(
    run: Run, server: Process, path: str, plain: Process, plain_path: str, size: int
) -> list[tuple[Speed, Speed]]:
    number = max(1, run.mebibytes * MEBIBYTE // size)
    found = []
    for _ in range(run.rounds):
        # Anew each round, so that neither server closes an idle one meanwhile.
        both = Download(server, path, size), Download(plain, plain_path, size)
        ours, theirs = (each.speed(number) for each in both)
        found.append((ours, theirs))
        for each in both:
            each.close()
    return found


def _beside(size: int, pairs: Sequence[tuple[Speed, Speed]]) -> Iterator[Figure]:
    clocks = {"CPU second": 0, "second": 1}
    for name, place in clocks.items():
        ratio = statistics.median(ours[place] / theirs[place] for ours, theirs in pairs)
        mine, its = (
            statistics.median(pair[side][place] for pair in pairs) / MEBIBYTE for side in (0, 1)
        )
        yield Figure(
            f"GET of {size // MEBIBYTE} MiB of media, by the {name}",
            f"{mine:,.0f} MiB, {ratio:.0%} of nginx ({its:,.0f} MiB)",
            f"at least {SHARE:.0%}",
            ratio >= SHARE,
        )


def _memory(server: Process, path: str, size: int) -> Figure:
    download = Download(server, path, size)
    download.fetch()
    server.forget_peak()
    before = server.memory("VmHWM")
    for _ in range(LONG_RUN // size):
        download.fetch()
    grown = server.memory("VmHWM") - before
    download.close()
    return Figure(
        f"peak of memory while {LONG_RUN // MEBIBYTE} MiB of media are downloaded",
        f"{before:.0f} MiB before, {grown:.1f} MiB more after",
        f"{FLAT} MiB more",
        grown <= FLAT,
    )
