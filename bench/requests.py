"""What small requests cost: GET /service beside a bare route, and the POST of one Segment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.figures import Engine, Figure, Run, times
from bench.process import Process, bare_route
from bench.segments import BATCH, batch, new_flow


def rows(run: Run) -> Iterator[Figure]:
    """The rows of each catalogue."""
    with bare_route() as bare:
        for engine in run.engines:
            with engine.store() as server:
                yield from _beside(run, engine, server, bare)


def _beside(run: Run, engine: Engine, server: Process, bare: Process) -> Iterator[Figure]:
    floor, service, single = [], [], []
    for _ in range(run.rounds):
        floor.append(service_cost(bare, run.requests))
        service.append(service_cost(server, run.requests))
        single.append(single_cost(server, run.requests))
    ratio = min(service) / min(floor)
    yield times(
        f"{engine.name}: GET /service",
        f"{min(service):.3f} ms, {ratio:.2f} times a bare route ({min(floor):.3f} ms)",
        ratio,
        1.5,
    )
    ratio = min(single) / min(service)
    yield times(
        f"{engine.name}: POST of one Segment",
        f"{min(single):.3f} ms, {ratio:.1f} times GET /service",
        ratio,
        5,
    )


def service_cost(server: Process, requests: int) -> float:
    """CPU milliseconds of GET /service."""
    server.call("GET", "/service")
    return server.cost(lambda _: server.call("GET", "/service"), requests)


def single_cost(server: Process, posts: int) -> float:
    """CPU milliseconds of a POST of one Segment."""
    flow_id = new_flow(server)
    prepared: Sequence[Any] = [
        body
        for start in range(0, posts, BATCH)
        for body in batch(server, flow_id, start, min(BATCH, posts - start))
    ]
    return server.cost(
        lambda n: server.call("POST", f"/flows/{flow_id}/segments", prepared[n]), posts
    )
