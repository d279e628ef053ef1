"""What telling many open connections of events costs the server."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from bench.figures import NO_BAR, Figure, Run
from bench.process import Process
from bench.segments import batch, new_flow
from bench.webhooks import FLOWS, register

CONNECTIONS = (100, 1000)
SETTINGS = {"TAMS_MAX_CONNECTIONS": str(2 * max(CONNECTIONS))}
ALONE = 20
"""Events each of which has come to all before the next happens."""


def rows(run: Run) -> Iterator[Figure]:
    """The rows of each catalogue."""
    for engine in run.engines:
        for connections in CONNECTIONS:
            events = max(FLOWS, 20 * run.events // connections)
            with engine.store(**SETTINGS) as server:
                used = server.cpu()
                register(server, events)
                spent = server.cpu() - used
                alone, together = _costs(server, connections, events, spent)
            yield Figure(
                f"{engine.name}: events to {connections:,} connections",
                f"{alone:.0f} µs an event and connection one by one, {together:.0f} at full speed",
                NO_BAR,
                held=True,
            )


def _costs(server: Process, connections: int, events: int, spent: float) -> tuple[float, float]:
    """CPU microseconds an event and connection: of a few by themselves, and of many in a row.

    From those many, `spent` seconds are taken off: the same registrations with nobody who follows.
    """
    command = [sys.executable, "-m", "bench.followers", server.url, str(connections)]
    with Process(command, {}) as followers:
        flow_id = new_flow(server)
        bodies = batch(server, flow_id, 0, ALONE)
        before = server.cpu()
        for number, body in enumerate(bodies, 1):
            server.call("POST", f"/flows/{flow_id}/segments", body)
            _await(followers, number * connections)
        alone = server.cpu() - before
        before = server.cpu()
        register(server, events)
        _await(followers, (ALONE + events) * connections)
        together = server.cpu() - before - spent
    return alone * 1e6 / ALONE / connections, together * 1e6 / events / connections


def _await(followers: Process, number: int) -> None:
    while followers.call("GET", "/") < number:
        time.sleep(0.02)
