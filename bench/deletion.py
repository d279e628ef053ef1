"""What the deletion of a long Flow costs those who ask meanwhile."""

from __future__ import annotations

import statistics
import time
from typing import NamedTuple

from bench.process import Process

POLL = 0.5
"""Seconds between two looks at the request: what is measured is the GETs of a Flow."""


class Deletion(NamedTuple):
    """Milliseconds by the client's clock: of the DELETE, and of GETs of a Flow, in the median."""

    answer: float
    quiet: float
    busy: float
    slowest: float
    seconds: float


def delete_long(server: Process, flow_id: str, other_id: str, requests: int) -> Deletion:
    """Delete a Flow while another one is read; raises `RuntimeError` if it is not gone at once."""
    path = f"/flows/{other_id}"
    quiet = [_milliseconds(server, path) for _ in range(requests)]
    began = time.perf_counter()
    request = server.call("DELETE", f"/flows/{flow_id}")
    answer = (time.perf_counter() - began) * 1000
    if server.call("GET", f"/flows/{flow_id}/segments?limit=1"):
        raise RuntimeError("the Segments of a deleted Flow are still listed")
    busy = _while_open(server, f"/flow-delete-requests/{request['id']}", path)
    seconds = time.perf_counter() - began
    return Deletion(answer, statistics.median(quiet), statistics.median(busy), max(busy), seconds)


def _while_open(server: Process, request: str, path: str) -> list[float]:
    found: list[float] = []
    look = time.perf_counter() + POLL
    while True:
        found.append(_milliseconds(server, path))
        if time.perf_counter() > look:
            if server.call("GET", request)["status"] == "done":
                return found
            look = time.perf_counter() + POLL


def _milliseconds(server: Process, path: str) -> float:
    began = time.perf_counter()
    server.call("GET", path)
    return (time.perf_counter() - began) * 1000
