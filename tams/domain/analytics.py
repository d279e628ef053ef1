"""What analytics ask, and what they find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from typing import NamedTuple

from tams.domain.rollups import NOTHING, Rollup, Weight, total
from tams.domain.sources import ContentFormat

RECENTLY = timedelta(days=30)
PERCENTILES = (25, 50, 75, 90, 95)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyticsQuery:
    """Filters; None leaves all through, and `end` is the first moment that is out."""

    start: datetime | None = None
    end: datetime | None = None
    source_id: str | None = None
    format: ContentFormat | None = None
    flow_id: str | None = None
    storage_id: str | None = None


class CountedFlow(NamedTuple):
    """A Flow with its numbers, which are None where nobody has counted."""

    key: int
    id: str
    format: str
    codec: str | None
    frame_width: int | None
    frame_height: int | None
    created: datetime
    segments: int | None
    weight: Weight | None


class TimedFlow(NamedTuple):
    """A Flow with Segments: its rollup, None where nobody has counted, and where they lie."""

    key: int
    rollup: Rollup | None
    first_start: int
    last_start: int
    last_end: int


class ReadObject(NamedTuple):
    """An Object, and how often it was read."""

    id: str
    size: int | None
    accesses: int
    last_accessed: datetime | None


class StoredObjects(NamedTuple):
    """Some Objects: what they weigh, those read most and least often, when the oldest was made."""

    weight: Weight
    most: Sequence[ReadObject]
    least: Sequence[ReadObject]
    oldest: datetime | None


@dataclass(slots=True)
class FlowUsage:
    """Numbers of Flows; their bytes are those of the Objects that each refers to."""

    now: datetime
    flows: int = 0
    recent: int = 0
    segments: int = 0
    weight: Weight = NOTHING
    formats: Counter[str] = field(default_factory=Counter)
    codecs: Counter[str] = field(default_factory=Counter)
    resolutions: Counter[str] = field(default_factory=Counter)
    bytes_by_format: Counter[str] = field(default_factory=Counter)

    def add(self, page: Sequence[CountedFlow]) -> None:
        """Count Flows, of which all is known."""
        self.flows += len(page)
        self.weight = total((self.weight, *(flow.weight or NOTHING for flow in page)))
        for flow in page:
            self.segments += flow.segments or 0
            self.recent += self.now - RECENTLY <= flow.created <= self.now
            self.formats[flow.format] += 1
            self.bytes_by_format[flow.format] += (flow.weight or NOTHING).bytes
            if flow.codec is not None:
                self.codecs[flow.codec] += 1
            if flow.frame_width is not None:
                self.resolutions[f"{flow.frame_width}x{flow.frame_height}"] += 1


@dataclass(slots=True)
class StorageUsage:
    """Numbers of Objects, each counted once."""

    weight: Weight = NOTHING
    used: int | None = None
    """The bytes of all Flows, where no filter is on: more than those stored, if Flows share."""
    days: float = 0
    """How long ago the oldest of them was made."""
    most: Sequence[ReadObject] = ()
    least: Sequence[ReadObject] = ()


@dataclass(slots=True)
class TimeRanges:
    """Numbers of Segments, and from where to where they reach."""

    rollup: Rollup = field(default_factory=lambda: Rollup(most=inf))
    start: int | None = None
    end: int | None = None

    def reach(self, start: int, end: int) -> None:
        """Segments lie from here to there."""
        self.start = start if self.start is None else min(self.start, start)
        self.end = end if self.end is None else max(self.end, end)

    def percentiles(self) -> dict[int, int]:
        """For each of PERCENTILES the least duration that so many of a hundred do not exceed."""
        found: dict[int, int] = {}
        passed, number = 0, self.rollup.segments
        for duration, count in sorted((self.rollup.durations or {}).items()):
            passed += count
            for percent in PERCENTILES:
                if percent not in found and passed * 100 >= percent * number:
                    found[percent] = duration
        return found


def timeline(moment: datetime) -> int:
    """Where a time of day lies on a timeline that begins with 1970, in nanoseconds."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def time_of_day(ns: int) -> datetime:
    """The time of day at a place of such a timeline, in whole microseconds."""
    return _EPOCH + timedelta(microseconds=ns // 1000)
