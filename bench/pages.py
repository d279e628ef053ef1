"""What a page of Segments costs in a short Flow and in a long one, and the long one's deletion."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from bench.deletion import delete_long
from bench.figures import Engine, Figure, Run, times
from bench.process import Process
from bench.segments import BATCH, check_signed, filled_flow, page_paths


def rows(run: Run) -> Iterator[Figure]:
    """The rows of each catalogue."""
    for engine in run.engines:
        with engine.store() as server:
            flows = {length: filled_flow(server, length) for length in (run.short, run.long)}
            yield from _lengths(run, engine, server, flows)
            yield from _deletion(run, engine, server, flows)


def _lengths(run: Run, engine: Engine, server: Process, flows: dict[int, str]) -> Iterator[Figure]:
    runs: dict[int, list[list[float]]] = {length: [] for length in flows}
    for _ in range(4 * run.rounds):
        for length, flow_id in flows.items():
            runs[length].append(page_costs(server, flow_id, length, run.pages))
    for length, measured in runs.items():
        costs = [min(column) for column in zip(*measured, strict=True)]
        yield Figure(
            f"{engine.name}: GET of {BATCH} of {length:,} Segments, first / middle / last page",
            f"{' / '.join(f'{cost:.2f}' for cost in costs)} ms",
            f"{8 * run.scale:.1f} ms (8 scaled)",
            max(costs) <= 8 * run.scale,
        )
    ratios = beside(runs[run.long], runs[run.short])
    yield times(
        f"{engine.name}: the same of the long Flow to any of the short",
        f"{' / '.join(f'{ratio:.2f}' for ratio in ratios)} times",
        max(ratios),
        1.2,
    )


def _deletion(run: Run, engine: Engine, server: Process, flows: dict[int, str]) -> Iterator[Figure]:
    found = delete_long(server, flows[run.long], flows[run.short], run.requests)
    yield Figure(
        f"{engine.name}: DELETE of a Flow of {run.long:,} Segments, answered",
        f"{found.answer:.1f} ms",
        f"{50 * run.scale:.0f} ms (50 scaled)",
        found.answer <= 50 * run.scale,
    )
    ratio = found.busy / found.quiet
    yield times(
        f"{engine.name}: median of GET /flows/{{id}} in the {found.seconds:.0f} s of its clean-up",
        f"{found.busy:.2f} ms, {ratio:.2f} times as before; the slowest {found.slowest:.0f} ms",
        ratio,
        1.5,
    )


def page_costs(server: Process, flow_id: str, segments: int, rounds: int) -> list[float]:
    """CPU milliseconds of a page of a thousand: the first, one in the middle, and the last."""
    paths = page_paths(flow_id, [0, segments // 2, segments - BATCH])
    for path in paths:
        check_signed(server.call("GET", path), "signature=")
    return [server.cost(lambda _, path=path: server.call("GET", path), rounds) for path in paths]


def beside(long: list[list[float]], short: list[list[float]]) -> list[float]:
    """For each page of the long Flow, the median of its ratio to the short one's mean, by round."""
    rounds = [
        [cost / statistics.mean(few) for cost in many]
        for many, few in zip(long, short, strict=True)
    ]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]
