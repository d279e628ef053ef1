"""Which frame rate a video track has, if it has one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from av.video.stream import VideoStream

from tams.media.clock import nearest

_USUAL = tuple(
    rate
    for whole in (12, 15, 24, 25, 30, 48, 50, 60, 90, 100, 120)
    for rate in (Fraction(whole), Fraction(whole * 1000, 1001))
)


def frame_rate(stream: VideoStream, times: Sequence[Fraction], tick: Fraction) -> Fraction | None:
    """Return the rate that the container states and the first frames keep to; None if it varies.

    `times` are the first frames' presentation times in seconds, in any order.
    """
    stated = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    average = stream.average_rate
    for rate in (_usual(rate) for rate in stated if rate):
        agrees = average is None or abs(average / rate - 1) < Fraction(1, 100)
        if agrees and _keeps_to(sorted(times), 1 / rate, tick):
            return rate
    return None


def _usual(rate: Fraction) -> Fraction:
    # Averages over a coarse clock miss the true rate by a little: 24 and 23.976 are 0.1 % apart.
    best = min(_USUAL, key=lambda usual: abs(usual / rate - 1))
    return best if abs(best / rate - 1) < Fraction(1, 2500) else rate


def _keeps_to(times: Sequence[Fraction], period: Fraction, tick: Fraction) -> bool:
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return all(nearest(gap, period) == 1 and abs(gap - period) <= tick for gap in gaps)
