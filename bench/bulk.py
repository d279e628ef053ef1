"""What registering a thousand Segments at once costs."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figures import Figure, Run
from bench.process import Process
from bench.segments import BATCH, batch, new_flow
from bench.yardstick import on_reference


def rows(run: Run) -> Iterator[Figure]:
    """The row of each catalogue."""
    for engine in run.engines:
        with engine.store() as server:
            rounds = run.paced(lambda server=server: bulk_cost(server, run.batches))
        rate = BATCH / on_reference(rounds) * 1000
        here = BATCH / min(each.found for each in rounds) * 1000
        yield Figure(
            f"{engine.name}: POST of {BATCH} Segments",
            f"{rate:,.0f} Segments per CPU second ({here:,.0f} here)",
            f"at least {engine.bulk_bar:,}",
            rate >= engine.bulk_bar,
        )


def bulk_cost(server: Process, batches: int) -> float:
    """CPU milliseconds of a POST of a thousand."""
    flow_id = new_flow(server)
    prepared = [batch(server, flow_id, n * BATCH, BATCH) for n in range(batches)]
    return server.cost(
        lambda n: server.call("POST", f"/flows/{flow_id}/segments", prepared[n]), batches
    )
