"""Segments: what of which Object is on a Flow's timeline, and when (TAMS 8.2 `flow-segment`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tams.domain.objects import InitObject, Instance
from tams.domain.tags import TagFilter
from tams.domain.timerange import EMPTY, TimeRange


class Segment(NamedTuple):
    """A registered Segment with the facts of its Object; times are nanoseconds, ends exclusive."""

    start: int
    end: int
    end_inclusive: bool
    object_id: str
    ts_offset: int
    last_duration: int | None
    sample_offset: int | None
    sample_count: int | None
    object_start: int
    object_end: int
    object_end_inclusive: bool
    key_frame_count: int | None
    storage_id: str | None
    key: str | None
    others: tuple[Instance, ...] | None
    """Instances besides the controlled one at `storage_id` and `key`, if there are any."""
    init_object: InitObject | None = None

    @property
    def timerange(self) -> TimeRange:
        """Where the Segment lies on the Flow's timeline."""
        return TimeRange(self.start, self.end, bool(self.end_inclusive))

    @property
    def object_timerange(self) -> TimeRange:
        """What the Object covers on its own timeline."""
        return TimeRange(self.object_start, self.object_end, bool(self.object_end_inclusive))

    @property
    def instances(self) -> tuple[Instance, ...]:
        """Every place where the Object's bytes lie."""
        if self.key is None:
            return self.others or ()
        return (Instance(self.storage_id, self.key), *(self.others or ()))


PlainSegment = tuple[
    int, int, bool, str, int, int | None, int | None, int | None, int | None, int | None,
    bool | None, int | None, str | None, str | None, tuple[Instance, ...] | None, InitObject | None,
]  # fmt: skip
"""The fields of a Segment without their names, which take as long to give as to read them.

So a page has them, since it holds a thousand. What nobody asked for is None.
"""


class NewSegment(NamedTuple):
    """A Segment to register; `get_urls` are uncontrolled instances of an Object new to us."""

    object_id: str
    timerange: TimeRange
    ts_offset: int = 0
    object_timerange: TimeRange | None = None
    last_duration: int | None = None
    sample_offset: int | None = None
    sample_count: int | None = None
    key_frame_count: int | None = None
    get_urls: tuple[Instance, ...] = ()
    init_object_id: str | None = None


NOTHING_MORE = NewSegment("", EMPTY)[2:]
"""The rest of a NewSegment that says only which Object is where, as most do."""


class SegmentQuery(NamedTuple):
    """Which Segments of a Flow: those that overlap `timerange`, of one Object if `object_id`.

    Only a listing heeds `tags`.
    """

    timerange: TimeRange
    object_id: str | None = None
    tags: TagFilter | None = None


class Refusal(NamedTuple):
    """A Segment of a request that was not registered, and why."""

    object_id: str
    timerange: TimeRange | None
    reason: str


def envelope(segments: Sequence[PlainSegment]) -> TimeRange:
    """From the start of the first to the end of the last of Segments in either order of time."""
    if not segments:
        return EMPTY
    (start, *_), (_, end, inclusive, *_) = sorted((segments[0][:3], segments[-1][:3]))
    return TimeRange(start, end, bool(inclusive))
