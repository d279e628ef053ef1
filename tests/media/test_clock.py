from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tams.media.clock import WRAP, FrameGrid, SampleChain, Unwrapper, nearest, to_ns


@given(st.integers(0, 10**7))
def test_frame_times_are_rounded_down_once(number):
    assert to_ns(number * Fraction(1001, 30_000)) == number * 1001 * 10**9 // 30_000


@given(st.integers(-WRAP * 3, WRAP * 3), st.lists(st.integers(-WRAP // 4, WRAP // 4), max_size=20))
def test_time_stamps_run_on_beyond_the_wrap(first, steps):
    unwrap = Unwrapper(first)
    at = first
    for step in steps:
        at += step
        assert unwrap(at % WRAP) == at


def test_the_grid_undoes_the_rounding_of_a_coarse_clock():
    period, tick = Fraction(1001, 30_000), Fraction(1, 1000)
    grid = FrameGrid(tick, period)
    exact = [n * period for n in range(1000)]
    assert [grid.place(nearest(time, tick) * tick) for time in exact] == exact


def test_the_grid_leaves_what_is_off_it():
    grid = FrameGrid(Fraction(1, 1000), Fraction(1, 25))
    assert [grid.place(Fraction(t, 1000)) for t in (0, 40, 92)] == [
        0,
        Fraction(1, 25),
        Fraction(92, 1000),
    ]


def test_audio_packets_follow_each_other_but_for_gaps():
    tick, duration = Fraction(1, 90_000), Fraction(1024, 44_100)
    chain = SampleChain(tick)
    exact = [n * duration for n in range(100)]
    assert [chain.place(nearest(t, tick) * tick, duration) for t in exact] == exact
    later = exact[-1] + 5
    assert chain.place(later, duration) == later
