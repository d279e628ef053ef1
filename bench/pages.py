"""What a page of Segments costs in a short Flow and in a long one, and the long one's deletion."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial

from bench.deletion import delete_long
from bench.figures import Engine, Figure, Run, times
from bench.process import Process
from bench.segments import BATCH, check_signed, filled_flow, page_paths
from bench.yardstick import Paced, on_reference, paced


def rows(run: Run) -> Iterator[Figure]:
    """The rows of each catalogue."""
    for engine in run.engines:
        with engine.store() as server:
            flows = {length: filled_flow(server, length) for length in (run.short, run.long)}
            yield from lengths(run, engine, server, flows)
            yield from _deletion(run, engine, server, flows)


def lengths(run: Run, engine: Engine, server: Process, flows: dict[int, str]) -> Iterator[Figure]:
    """The pages of Flows by their length, and the longest beside the shortest."""
    runs: dict[int, list[Paced[list[float]]]] = {length: [] for length in flows}
    for _ in range(4 * run.rounds):
        for length, flow_id in flows.items():
            measure = partial(page_costs, server, flow_id, length, run.pages)
            runs[length].append(paced(measure))
    for length, measured in runs.items():
        costs = [
            on_reference(Paced(each.found[page], each.yardstick) for each in measured)
            for page in range(3)
        ]
        yield Figure(
            f"{engine.name}: GET of {BATCH} of {length:,} Segments, first / middle / last page",
            f"{' / '.join(f'{cost:.2f}' for cost in costs)} ms",
            "8 ms",
            max(costs) <= 8,
        )
    ratios = beside(*([each.found for each in runs[length]] for length in (max(flows), min(flows))))
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
        "50 ms",
        found.answer <= 50,
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
