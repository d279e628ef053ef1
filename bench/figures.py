"""The rows of the table, and what every group of them is given to measure with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bench.postgres import Databases
from bench.process import Process, store
from bench.yardstick import Paced, on_reference, paced

NO_BAR = "none"


@dataclass(frozen=True)
class Figure:
    """One row: what was measured, the result, the bar, and the verdict."""

    work: str
    result: str
    bar: str
    held: bool | None
    """None if it was not measured."""

    def __str__(self) -> str:
        verdict = {True: "held", False: "missed", None: "not measured"}[self.held]
        if self.bar == NO_BAR:
            verdict = ""
        return f"| {self.work} | {self.result} | {self.bar} | {verdict} |"


@dataclass(frozen=True)
class Engine:
    """A catalogue to measure on; `fresh` gives the URL of an empty one, None for a new SQLite."""

    name: str
    fresh: Callable[[], str | None]
    bulk_bar: int
    """Segments to be registered in a CPU second of the reference machine."""

    def store(self, **settings: str) -> AbstractContextManager[Process]:
        """A server on an empty catalogue."""
        return store(self.fresh(), **settings)


SQLITE = Engine("SQLite", lambda: None, 100_000)


@dataclass(frozen=True)
class Run:
    """How much is done, and on what."""

    rounds: int
    requests: int
    batches: int
    pages: int
    short: int
    long: int
    many: int
    events: int
    flows: int
    mebibytes: int
    engines: tuple[Engine, ...]
    databases: Databases | None
    """Of PostgreSQL, if it is measured."""

    def paced(self, measure: Callable[[], float]) -> list[Paced[float]]:
        """Measure beside the yardstick, in four times as many rounds as where both take turns."""
        return [paced(measure) for _ in range(4 * self.rounds)]


Rows = Callable[[Run], Iterator[Figure]]


def at_most(work: str, rounds: Sequence[Paced[float]], bar: float) -> Figure:
    """A row of CPU milliseconds, as of the reference machine."""
    found = on_reference(rounds)
    here = min(each.found for each in rounds)
    return Figure(work, f"{found:.2f} ms ({here:.2f} here)", f"{bar:g} ms", found <= bar)


def times(work: str, result: str, ratio: float, bar: float) -> Figure:
    """A row of one cost beside another in the same run."""
    return Figure(work, result, f"{bar:g} times", ratio <= bar)
