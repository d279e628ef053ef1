"""A server process under measurement, and the CPU that it uses."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

IDLE = 2.0
"""Seconds after which a kept connection may have been closed by the server."""
_URL = re.compile(r"http://\S+")


class Process:
    """A program that prints its URL once it listens; one kept connection, CPU time from /proc."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.begun = time.perf_counter()
        self._process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
        )
        if self._process.stdout is None:
            raise RuntimeError("no output")
        found = _URL.search(self._process.stdout.readline())
        if found is None:
            raise RuntimeError(f"{command} did not print its URL")
        self.url = found[0]
        self._used = time.monotonic()
        self._connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=120)

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)

    @property
    def pid(self) -> int:
        """The process, for other tools."""
        return self._process.pid

    def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 (JSON)
        """Send one request and return its JSON; raises `RuntimeError` unless it succeeds."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = None if body is None else content
        if time.monotonic() - self._used > IDLE:
            self._connection.close()  # the next request opens it anew
        self._connection.request(method, path, sent, {"Content-Type": "application/json"})
        reply = self._connection.getresponse()
        self._used = time.monotonic()
        answer = reply.read()
        if reply.status not in (200, 201, 202, 204):
            raise RuntimeError(f"{method} {path}: {reply.status} {answer[:200]!r}")
        return json.loads(answer) if answer else None

    def cpu(self) -> float:
        """Seconds of CPU that the process has used, all threads."""
        return self._scheduled(0)

    def kept_waiting(self) -> float:
        """Seconds for which its threads could have run, but others had the CPU."""
        return self._scheduled(1)

    def _scheduled(self, place: int) -> float:
        threads = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[place]) for thread in threads) / 1e9

    def memory(self, name: str) -> float:
        """MiB of VmRSS, what is resident now, or VmHWM, its peak."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        [kibibytes] = re.findall(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
        return int(kibibytes) / 1024

    def forget_peak(self) -> None:
        """From now on, the peak of memory is that of what follows (proc(5), `clear_refs`)."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def cost(self, work: Callable[[int], object], rounds: int) -> float:
        """CPU milliseconds of the server for each round of `work`, which is given its number."""
        before = self.cpu()
        for number in range(rounds):
            work(number)
        return (self.cpu() - before) / rounds * 1000


@contextmanager
def store(catalogue: str | None = None, **settings: str) -> Iterator[Process]:
    """A server of ours in a fresh folder; without `catalogue` on SQLite, which does not sync.

    A sync is the disk's work, not the server's, and its CPU is left out of every figure.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "TAMS_DATA_DIR": folder,
            "TAMS_PORT": "0",
            "TAMS_SYNCHRONOUS": "OFF",
            **settings,
        }
        if catalogue is not None:
            environment["TAMS_CATALOGUE"] = catalogue
            subprocess.run(
                [sys.executable, "-m", "tams", "admin", "migrate"],
                env={**os.environ, **environment},
                check=True,
                stdout=subprocess.DEVNULL,
            )
        with Process([sys.executable, "-m", "tams", "serve"], environment) as process:
            yield process


@contextmanager
def bare_route() -> Iterator[Process]:
    """The framework with one route that does nothing, under the same server."""
    with Process([sys.executable, "-m", "bench.bare"], {}) as process:
        yield process
