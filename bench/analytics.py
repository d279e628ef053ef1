"""What analytics cost in a store of a million Segments: from rows of Flows, and one by one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bench.figures import Figure, Run, at_most
from bench.process import Process
from bench.segments import filled_flow

FLOWS = 10
"""Among so many the Segments are divided."""
WHOLE = {
    "/flow-usage": "total_segments",
    "/storage-usage": "total_objects",
    "/time-range-analysis": "total_segments",
    "/analytics/catalog-summary": "total_tables",
}
_TIMES = "?start_time=1970-01-01T00:00:01Z&end_time=2100-01-01"
FILTERED = ("/storage-usage", "/time-range-analysis")


def rows(run: Run) -> Iterator[Figure]:
    """The rows of each catalogue."""
    for engine in run.engines:
        with engine.store() as server:
            for _ in range(FLOWS):
                filled_flow(server, run.long // FLOWS)
            for path, metric in WHOLE.items():
                check(server, path, metric, run.long)
                cost = run.paced(partial(server.cost, partial(ask, server, path), run.pages))
                yield at_most(f"{engine.name}: GET {path}, {run.long:,} Segments", cost, 200)
            for path in FILTERED:
                # The first Segment of each Flow begins before these times, so none passes whole.
                missing = FLOWS if WHOLE[path] == "total_segments" else 0
                check(server, f"{path}{_TIMES}", WHOLE[path], run.long - missing)
                cost = run.paced(partial(server.cost, partial(ask, server, f"{path}{_TIMES}"), 1))
                yield at_most(f"{engine.name}: GET {path}, all by time", cost, 2500)


def ask(server: Process, path: str, number: int) -> None:
    """Ask once."""
    del number
    server.call("GET", path)


def check(server: Process, path: str, metric: str, number: int) -> None:
    """Raise `RuntimeError` unless all are counted."""
    found = server.call("GET", path)[metric]
    if metric != "total_tables" and found != number:
        raise RuntimeError(f"{path} counts {found:,} of {number:,}")
