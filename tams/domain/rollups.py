"""What a Flow's row keeps of its Segments and Objects, so that nobody has to count them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import add, sub
from typing import NamedTuple

from tams.domain.timerange import SECOND

MOST_DURATIONS = 64
"""How many different durations a row keeps apart; beyond that they are asked of the Segments."""

HOUR = 3600 * SECOND
_MONDAY = 3  # the days that passed on 1970-01-01, a Thursday, since a Monday

MEBIBYTE = 1024**2
SIZES = (("small", MEBIBYTE), ("medium", 100 * MEBIBYTE), ("large", 1024 * MEBIBYTE))
"""Classes of Objects by how many bytes they stay below; what is larger is `xlarge`."""
MODERATELY, FREQUENTLY = 2, 10
"""How often an Object was read that is read moderately, or frequently; others are rarely."""

Span = tuple[int, int]
"""Start and end of a Segment, in nanoseconds."""


@dataclass(slots=True)
class Rollup:
    """Numbers of a Flow's Segments: all, by duration, by hour of the day and by day of the week.

    Hours and days are those in which they start, their timeline read as UTC; the week begins on
    Monday. `durations` is None where they were more than `most`, until no Segment is left.
    """

    segments: int = 0
    duration: int = 0
    """Nanoseconds of all together, which may be more than 64 bits hold."""
    durations: dict[int, int] | None = field(default_factory=dict)
    hours: list[int] = field(default_factory=lambda: [0] * 24)
    days: list[int] = field(default_factory=lambda: [0] * 7)
    most: float = MOST_DURATIONS

    def add(self, starts: Sequence[int], ends: Sequence[int], times: int = 1) -> None:
        """Count the Segments that start and end there; `times` -1 takes them back."""
        durations = _numbers(list(map(sub, ends, starts)))
        self._count(durations, times)
        for hour, number in _hours(starts):
            self.hours[hour % 24] += times * number
            self.days[(hour // 24 + _MONDAY) % 7] += times * number
        self._keep(durations, times)

    def merge(self, other: Rollup) -> None:
        """Count what another has counted, which knows its durations."""
        durations = other.durations or {}
        self._count(durations, 1)
        self.hours = list(map(add, self.hours, other.hours))
        self.days = list(map(add, self.days, other.days))
        self._keep(durations, 1)

    def _count(self, durations: dict[int, int], times: int) -> None:
        for duration, number in durations.items():
            self.segments += times * number
            self.duration += times * number * duration

    def _keep(self, found: dict[int, int], times: int) -> None:
        if not self.segments:
            self.durations = {}
            return
        if self.durations is None:
            return
        for duration, number in found.items():
            left = self.durations.get(duration, 0) + times * number
            if left:
                self.durations[duration] = left
            else:
                del self.durations[duration]
        if len(self.durations) > self.most:
            self.durations = None


def _numbers(durations: list[int]) -> dict[int, int]:
    """How many there are of each; mostly all are the same, which takes a fifth of the time."""
    if len(durations) == 1 or len(set(durations)) == 1:
        return {durations[0]: len(durations)}
    return Counter(durations)


def _hours(starts: Sequence[int]) -> Iterable[tuple[int, int]]:
    """How many of these moments lie in each hour since 1970; mostly it is one and the same."""
    if not starts:
        return ()
    first = min(starts) // HOUR
    if first == max(starts) // HOUR:
        return ((first, len(starts)),)
    return Counter([start // HOUR for start in starts]).items()


class Measured(NamedTuple):
    """What is known of an Object's bytes, and how often they were asked for."""

    size: int | None
    accesses: int


UNMEASURED = Measured(None, 0)


class Weight(NamedTuple):
    """Numbers of Objects, all and by classes, their bytes, and how often they were read.

    Those that are in no class of size are not measured, those in none of access rarely read.
    """

    objects: int = 0
    bytes: int = 0
    small: int = 0
    medium: int = 0
    large: int = 0
    xlarge: int = 0
    accesses: int = 0
    moderately: int = 0
    frequently: int = 0

    @property
    def measured(self) -> int:
        """How many Objects are measured."""
        return self.small + self.medium + self.large + self.xlarge

    def times(self, number: int) -> Weight:
        """So many of it."""
        return Weight(*(number * each for each in self))


NOTHING = Weight()


def weigh(size: int | None, accesses: int) -> Weight:
    """What one Object adds."""
    classes = dict.fromkeys(("small", "medium", "large", "xlarge"), 0)
    if size is not None:
        classes[next((name for name, limit in SIZES if size < limit), "xlarge")] = 1
    return Weight(
        objects=1,
        bytes=size or 0,
        **classes,
        accesses=accesses,
        moderately=int(MODERATELY <= accesses < FREQUENTLY),
        frequently=int(accesses >= FREQUENTLY),
    )


def total(weights: Iterable[Weight]) -> Weight:
    """All of them together."""
    return Weight(*map(sum, zip(NOTHING, *weights, strict=True)))
