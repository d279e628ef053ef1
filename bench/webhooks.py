"""What telling webhooks of events costs the server."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from bench.figures import NO_BAR, Figure, Run
from bench.process import Process
from bench.segments import BATCH, batch, new_flow

FLOWS = 20
WEBHOOKS = 10
ALLOWED = {"TAMS_WEBHOOK_ALLOW": "127.0.0.1"}
"""What a server needs so that it may send to the receiver."""


class Deliveries(NamedTuple):
    """CPU microseconds for each event and webhook, and how many were delivered in a second."""

    cost: float
    rate: float


def rows(run: Run) -> Iterator[Figure]:
    """The row of each catalogue."""
    for engine in run.engines:
        with engine.store(**ALLOWED) as server, receiver() as taking:
            found = delivery_cost(server, taking, run.events, WEBHOOKS)
        yield Figure(
            f"{engine.name}: {run.events:,} events to {WEBHOOKS} webhooks",
            f"{found.cost:.0f} µs an event and webhook, {found.rate:,.0f} a second",
            NO_BAR,
            held=True,
        )


@contextmanager
def receiver() -> Iterator[Process]:
    """A process that takes what webhooks send."""
    with Process([sys.executable, "-m", "bench.receiver"], {}) as process:
        yield process


def delivery_cost(server: Process, receiver: Process, events: int, webhooks: int) -> Deliveries:
    """Deliver so many events, as many of each Flow, each of one new Segment, to so many webhooks.

    The cost is what the server uses beyond the same registrations without a webhook.
    """
    events -= events % FLOWS
    used = server.cpu()
    register(server, events)
    alone = server.cpu() - used
    for _ in range(webhooks):
        body = {"url": receiver.url, "events": ["flows/segments_added"]}
        server.call("POST", "/service/webhooks", body)
    begun = time.monotonic()
    used = server.cpu()
    register(server, events)
    while receiver.call("GET", "/") < events * webhooks:
        time.sleep(0.05)
    more = server.cpu() - used - alone
    return Deliveries(
        more * 1e6 / events / webhooks, events * webhooks / (time.monotonic() - begun)
    )


def register(server: Process, events: int) -> None:
    """Register one Segment after the other, in several Flows by turns."""
    flows = [new_flow(server) for _ in range(FLOWS)]
    for start in range(0, events // FLOWS, BATCH):
        number = min(BATCH, events // FLOWS - start)
        rounds = zip(*(batch(server, flow_id, start, number) for flow_id in flows), strict=True)
        for bodies in rounds:
            for flow_id, body in zip(flows, bodies, strict=True):
                server.call("POST", f"/flows/{flow_id}/segments", body)
