"""Rates by hand-made Segments: sizes in bytes, times in seconds."""

from __future__ import annotations

import pytest

from tams.client.bit_rates import Measured, bit_rates
from tams.domain.timerange import SECOND


def measured(*segments: tuple[float, float, int]) -> list[Measured]:
    return [Measured(int(start * SECOND), int(end * SECOND), size) for start, end, size in segments]


def test_no_media_has_no_rate():
    assert bit_rates([], 4 * SECOND) is None


@pytest.mark.parametrize(
    ("segments", "average", "maximum"),
    [
        # 1000 bytes in one second are 8 units; a part of one counts as one.
        ([(0, 1, 1000)], 8, 8),
        ([(0, 1, 1001)], 9, 9),
        # Two of four seconds each: the peak is the heavier one alone.
        ([(0, 4, 4000), (4, 8, 8000)], 12, 16),
        # A short, dense Segment is no peak by itself, only within a run of half the target.
        ([(0, 4, 4000), (4, 4.5, 4000)], 15, 15),
        ([(0, 4, 4000), (4, 5, 4000), (5, 6, 4000)], 16, 32),
        # A gap breaks a run and does not count as time.
        ([(0, 1, 1000), (10, 11, 3000)], 16, 16),
        # A Segment beyond 1.5 times the target counts alone.
        ([(0, 10, 20000), (10, 14, 4000)], 14, 16),
    ],
)
def test_rates(segments, average, maximum):
    assert bit_rates(measured(*segments), 4 * SECOND) == (average, maximum)
