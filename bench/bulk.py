"""What registering a thousand Segments at once costs."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figures import Figure, Run
from bench.process import Process
from bench.segments import BATCH, batch, new_flow


def rows(run: Run) -> Iterator[Figure]:
    """The row of each catalogue."""
    for engine in run.engines:
        with engine.store() as server:
            rate = max(bulk_rate(server, run.batches) for _ in range(run.rounds))
        bar = engine.bulk_bar / run.scale
        yield Figure(
            f"{engine.name}: POST of {BATCH} Segments",
            f"{rate:,.0f} Segments per CPU second",
            f"at least {bar:,.0f} ({engine.bulk_bar:,} scaled)",
            rate >= bar,
        )


def bulk_rate(server: Process, batches: int) -> float:
    """Segments per second of server CPU, in POSTs of a thousand."""
    flow_id = new_flow(server)
    prepared = [batch(server, flow_id, n * BATCH, BATCH) for n in range(batches)]
    cost = server.cost(
        lambda n: server.call("POST", f"/flows/{flow_id}/segments", prepared[n]), batches
    )
    return BATCH / cost * 1000
