"""What the POST of one Segment costs where many write at once, each to a Flow of its own."""

from __future__ import annotations

from collections.abc import Iterator

from bench import syncs, trips
from bench.clients import Load, request, together
from bench.figures import NO_BAR, SQLITE, Engine, Figure, Run, times
from bench.process import Process
from bench.segments import BATCH, batch, new_flow
from bench.syncs import WRITERS

BUSY = 0.8
"""CPU seconds of the server in a second that are within 20 % of one core."""


def rows(run: Run) -> Iterator[Figure]:
    """The rows of each catalogue, of shared syncs, and of round trips."""
    posts = min(max(1, 4 * run.requests // WRITERS), BATCH)
    for engine in run.engines:
        with engine.store(TAMS_SYNCHRONOUS="FULL") as server:
            loads = [_load(server, posts) for _ in range(run.rounds)]
        yield from _figures(engine, loads)
    yield from syncs.rows(run)
    yield from trips.rows(run)


def _load(server: Process, posts: int) -> tuple[Load, Load]:
    """The clients ask for /service so many times each, then post as many Segments each."""
    get = request("GET", "/service")
    asked = together(server, [[get] * posts for _ in range(WRITERS)])
    scripts = []
    for _ in range(WRITERS):
        flow_id = new_flow(server)
        path = f"/flows/{flow_id}/segments"
        scripts.append([request("POST", path, body) for body in batch(server, flow_id, 0, posts)])
    return asked, together(server, scripts)


def _figures(engine: Engine, loads: list[tuple[Load, Load]]) -> Iterator[Figure]:
    service = min(asked.cost for asked, _ in loads)
    post = min(posted.cost for _, posted in loads)
    busiest = max((posted for _, posted in loads), key=lambda load: load.busy)
    work = f"{engine.name}: POST of one Segment by {WRITERS} writers to as many Flows"
    result = f"{post:.3f} ms, {post / service:.1f} times GET /service by as many ({service:.3f} ms)"
    if engine is not SQLITE:
        yield Figure(work, result, NO_BAR, held=True)
        return
    yield times(f"{work}, synchronous=FULL", result, post / service, 4)
    yield Figure(
        "SQLite: the server's CPU meanwhile",
        f"{busiest.busy:.2f} of a core; its threads waited for one for {busiest.waiting:.2f}",
        f"at least {BUSY}",
        busiest.busy >= BUSY,
    )
