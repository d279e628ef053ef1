"""Time on integer nanoseconds (TAMS 8.2 `timestamp`, `timerange`; application notes 0008, 0012).

A `TimeRange` is half-open, `start <= t < end`, plus a flag that remembers an inclusive end, so
that `[2:0]` is printed as it was read. All comparison is on the nanosecond grid: a range without
a whole nanosecond is empty.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tams.errors import Invalid

SECOND = 1_000_000_000
LIMIT = 9_223_372_036 * SECOND
"""Largest distance from zero, in nanoseconds, that the store keeps (64 bits, whole seconds)."""

_STAMP = r"(-?(?:0|[1-9][0-9]*)):(0|[1-9][0-9]{0,8})"
_TIMESTAMP = re.compile(_STAMP)
_TIMERANGE = re.compile(rf"([\[(]?)(?:{_STAMP})?(?:(_)(?:{_STAMP})?)?([\])]?)")


def parse_timestamp(text: str) -> int:
    """Return the nanoseconds of a `timestamp`; raise `ValueError` if it is not one."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a timestamp such as 5:0 or -1:500000000")
    return _nanoseconds(match[1], match[2])


def format_timestamp(ns: int) -> str:
    """Print nanoseconds as a `timestamp`; the sign covers the whole value."""
    if ns < 0:
        return f"-{-ns // SECOND}:{-ns % SECOND}"
    return f"{ns // SECOND}:{ns % SECOND}"


def format_range(start: int, end: int, end_inclusive: bool) -> str:
    """Print a bounded range that holds a nanosecond; `end` is exclusive, whatever its marker."""
    if not end_inclusive:
        return f"[{format_timestamp(start)}_{format_timestamp(end)})"
    if end == start + 1:
        return f"[{format_timestamp(start)}]"
    return f"[{format_timestamp(start)}_{format_timestamp(end - 1)}]"


def bounded(field: str, ns: int) -> int:
    """Return `ns`, or raise `Invalid` if it lies outside the range that the store keeps."""
    if not -LIMIT <= ns <= LIMIT:
        raise Invalid(field, format_timestamp(ns), "times must lie within ±9223372036 seconds")
    return ns


def _nanoseconds(seconds: str, nanoseconds: str) -> int:
    whole = int(seconds) * SECOND
    return whole - int(nanoseconds) if seconds[0] == "-" else whole + int(nanoseconds)


class TimeRange(NamedTuple):
    """A range of time in nanoseconds; `None` is an open end; only EMPTY has `start >= end`."""

    start: int | None
    end: int | None
    end_inclusive: bool = False

    @staticmethod
    def parse(text: str) -> TimeRange:
        """Read the standard's form; raise `ValueError` with the rule if it is not one."""
        match = _TIMERANGE.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a timerange such as [0:0_10:0) or _")
        opening, s1, s2, separator, e1, e2, closing = match.groups()
        start = None if s1 is None else _nanoseconds(s1, s2)
        if separator is None:
            if start is None or opening == "(" or closing == ")":
                return EMPTY
            return TimeRange(start, start + 1, end_inclusive=True)
        end = None if e1 is None else _nanoseconds(e1, e2)
        if start is not None and opening == "(":
            start += 1
        inclusive = end is not None and closing != ")"
        if end is not None and inclusive:
            end += 1
        return TimeRange.of(start, end, inclusive)

    @staticmethod
    def of(start: int | None, end: int | None, end_inclusive: bool = False) -> TimeRange:
        """Build a range, or EMPTY if it holds no nanosecond."""
        if start is not None and end is not None and start >= end:
            return EMPTY
        return TimeRange(start, end, end_inclusive)

    def __str__(self) -> str:
        if self.is_empty:
            return "()"
        if self.start is not None and self.end is not None:
            return format_range(self.start, self.end, self.end_inclusive)
        left = "" if self.start is None else f"[{format_timestamp(self.start)}"
        if self.end is None:
            return f"{left}_"
        if self.end_inclusive:
            return f"{left}_{format_timestamp(self.end - 1)}]"
        return f"{left}_{format_timestamp(self.end)})"

    @property
    def is_empty(self) -> bool:
        """Whether no nanosecond lies inside."""
        return self.start is not None and self.end is not None and self.start >= self.end

    def overlaps(self, other: TimeRange) -> bool:
        """Whether some nanosecond lies in both."""
        if self.is_empty or other.is_empty:
            return False
        return _before(self.start, other.end) and _before(other.start, self.end)

    def contains(self, other: TimeRange) -> bool:
        """Whether all of `other` lies inside; EMPTY lies in every range."""
        if other.is_empty:
            return True
        after = self.start is None or (other.start is not None and other.start >= self.start)
        return after and (self.end is None or (other.end is not None and other.end <= self.end))

    def intersection(self, other: TimeRange) -> TimeRange:
        """Return what lies in both; its end is as that of the range which ends first."""
        if not self.overlaps(other):
            return EMPTY
        start = max((one.start for one in (self, other) if one.start is not None), default=None)
        first = min((self, other), key=lambda one: (one.end is None, one.end or 0))
        return TimeRange.of(start, first.end, first.end_inclusive)

    def shifted(self, ns: int) -> TimeRange:
        """Return the range `ns` later, markers kept."""
        if ns == 0 or self.is_empty:
            return self
        start = None if self.start is None else self.start + ns
        end = None if self.end is None else self.end + ns
        return TimeRange(start, end, self.end_inclusive)

    def clamped(self) -> TimeRange:
        """Return a range within 64 bits that meets the same stored times, all within ±LIMIT.

        It is empty only if this one is: a range far away meets nothing, but asks for something.
        """
        if self.is_empty:
            return self
        low, high = -LIMIT - 1, LIMIT + 2
        start = None if self.start is None else min(max(self.start, low), high - 1)
        end = None if self.end is None else max(min(self.end, high), low + 1)
        return TimeRange(start, end, self.end_inclusive)


def _before(start: int | None, end: int | None) -> bool:
    return start is None or end is None or start < end


EMPTY = TimeRange(0, 0)
ETERNITY = TimeRange(None, None)
