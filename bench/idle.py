"""What a server costs that has nothing to do yet: its start, and its memory."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import NamedTuple

from bench.figures import SQLITE, Figure, Run, times
from bench.process import Process, bare_route, store

RESIDENT = 180
"""MiB."""
START = 4
"""How many times the start of a bare application a start may take."""

Starting = Callable[[], AbstractContextManager[Process]]


class Start(NamedTuple):
    """Milliseconds to the first answer, by the clock and of CPU, and MiB resident after it."""

    clock: float
    cpu: float
    resident: float


def rows(run: Run) -> Iterator[Figure]:
    """The rows of each catalogue; and of a start that has to make one, on SQLite."""
    for engine in run.engines:
        with tempfile.TemporaryDirectory() as folder:
            starting = partial(store, engine.fresh(), TAMS_DATA_DIR=folder)
            started(starting)
            ours, bare = _in_turn(run, starting)
        yield from _beside(f"{engine.name}: start to the first answer", ours, bare)
        resident = max(each.resident for each in ours)
        yield Figure(
            f"{engine.name}: resident after the first answer",
            f"{resident:.0f} MiB",
            f"{RESIDENT} MiB",
            resident <= RESIDENT,
        )
        if engine is SQLITE:
            yield from _beside("SQLite: the same in an empty folder", *_in_turn(run, store))


def _in_turn(run: Run, starting: Starting) -> tuple[list[Start], list[Start]]:
    both = [(started(starting), started(bare_route)) for _ in range(run.rounds)]
    return [ours for ours, _ in both], [bare for _, bare in both]


def started(starting: Starting) -> Start:
    """Start a server, ask it once, and end it."""
    with starting() as process:
        process.call("GET", "/service")
        clock = time.perf_counter() - process.begun
        return Start(clock * 1000, process.cpu() * 1000, process.memory("VmRSS"))


def _beside(work: str, ours: Sequence[Start], bare: Sequence[Start]) -> Iterator[Figure]:
    for place, unit in enumerate(("by the clock", "of CPU")):
        mine, its = (statistics.median(each[place] for each in starts) for starts in (ours, bare))
        ratio = mine / its
        result = f"{mine:.0f} ms, {ratio:.1f} times a bare application ({its:.0f} ms)"
        yield times(f"{work}, {unit}", result, ratio, START)
