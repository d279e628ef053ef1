"""From the ticks of a container to exact seconds and nanoseconds.

Exact seconds are `Fraction`s and become nanoseconds once, rounded down: frame n at 30000/1001
starts at floor(n * 1001 * 10**9 / 30000).
"""

from __future__ import annotations

from fractions import Fraction

from tams.domain.timerange import SECOND

TS_CLOCK = Fraction(1, 90_000)
"""One tick of the presentation time stamps in an MPEG transport stream."""

WRAP = 1 << 33
"""Ticks after which these time stamps begin again (TAMS application note 0002)."""


def to_ns(seconds: Fraction) -> int:
    """Return the nanosecond at or before this moment."""
    return seconds.numerator * SECOND // seconds.denominator


def to_seconds(ns: int) -> Fraction:
    """Return nanoseconds as exact seconds."""
    return Fraction(ns, SECOND)


def nearest(seconds: Fraction, tick: Fraction) -> int:
    """Return the nearest whole number of ticks; the later one of two."""
    # Whole numbers: this is asked several times a packet, and Fractions are ten times slower.
    over = seconds.numerator * tick.denominator
    under = seconds.denominator * tick.numerator
    return (2 * over + under) // (2 * under)


class Unwrapper:
    """Makes 33-bit time stamps run on beyond their wrap, starting near `reference`."""

    def __init__(self, reference: int) -> None:
        self._last = reference

    def __call__(self, ticks: int) -> int:
        """Return the value that is equal modulo 2**33 and nearest to the one before."""
        self._last = ticks + WRAP * ((self._last - ticks + WRAP // 2) // WRAP)
        return self._last


class FrameGrid:
    """Puts times that a coarse clock rounded back on their frame boundaries.

    A time that is further than a tick from its boundary is left alone: it was meant so.
    """

    def __init__(self, tick: Fraction, period: Fraction | None) -> None:
        self._tick = tick
        self._period = period
        self._first: Fraction | None = None

    def place(self, time: Fraction) -> Fraction:
        """Return the frame boundary at `time`, counted from the first time ever asked for."""
        if self._first is None:
            self._first = time
        if self._period is None:
            return time
        ideal = self._first + self._period * nearest(time - self._first, self._period)
        return ideal if abs(ideal - time) <= self._tick else time


class SampleChain:
    """Lets each audio packet begin where the one before ended, if its clock allows that."""

    def __init__(self, tick: Fraction) -> None:
        self._tick = tick
        self._next: Fraction | None = None

    def place(self, time: Fraction, duration: Fraction) -> Fraction:
        """Return the exact start of a packet that a clock of this tick puts at `time`."""
        if self._next is not None and abs(self._next - time) <= self._tick:
            time = self._next
        self._next = time + duration
        return time
