"""Average and peak bit rates of a Flow (TAMS application note 0013)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

KILOBIT_NS = 8_000_000
"""Bytes per nanosecond times this are 1000 bits per second."""


class Measured(NamedTuple):
    """One Segment: nanoseconds from the timeline's zero, and the bytes of its Object."""

    start: int
    end: int
    size: int


class BitRates(NamedTuple):
    """In units of 1000 bits per second, as the standard counts."""

    average: int
    maximum: int


def bit_rates(segments: Sequence[Measured], segment_duration: int) -> BitRates | None:
    """Return the rates of Segments in the order of their time; None if there is no media.

    The peak is the highest rate over unbroken runs of 0.5 to 1.5 times `segment_duration` (in
    nanoseconds), and over single Segments that are longer.
    """
    duration = sum(segment.end - segment.start for segment in segments)
    if duration == 0:
        return None
    average = _rate(sum(segment.size for segment in segments), duration)
    peaks = (_rate(size, length) for size, length in _runs(segments, segment_duration))
    return BitRates(average, max(peaks, default=average))


def _runs(segments: Sequence[Measured], target: int) -> Iterator[tuple[int, int]]:
    for first, opening in enumerate(segments):
        size, end = 0, opening.start
        for last in range(first, len(segments)):
            segment = segments[last]
            length = segment.end - opening.start
            too_long = 2 * length > 3 * target and last > first
            if segment.start != end or too_long:
                break
            size, end = size + segment.size, segment.end
            if 2 * length >= target:
                yield size, length


def _rate(size: int, duration: int) -> int:
    return -(-size * KILOBIT_NS // duration)
