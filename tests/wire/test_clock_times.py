from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tams.domain.timerange import SECOND, TimeRange
from tams.wire.clock_times import standard_timerange


@pytest.mark.parametrize(
    ("told", "standard"),
    [
        ("[00:00:00.000,00:05:00.000)", "[0:0_300:0)"),
        ("01:00:01_123:59:59.5", "3601:0_446399:500000000"),
        ("[00:00:00.000000001,00:00:01]", "[0:1_1:0]"),
        ("(00:00:00,00:00:01)", "(0:0_1:0)"),
    ],
)
def test_a_clocks_timerange_is_told_as_the_standards(told, standard):
    assert standard_timerange(told) == standard
    TimeRange.parse(standard)


@pytest.mark.parametrize(
    "text",
    ["[0:0_10:0)", "", "[00:60:00,01:00:00)", "[00:00:00-00:00:01)", "[0:00:00,0:00:01)", "soon"],
)
def test_other_texts_stay(text):
    assert standard_timerange(text) == text


@given(st.integers(0, 10**15), st.integers(1, 10**15))
def test_no_nanosecond_is_lost(start, duration):
    def clock(ns):
        seconds, rest = divmod(ns, SECOND)
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:09}"

    told = standard_timerange(f"[{clock(start)},{clock(start + duration)})")
    assert TimeRange.parse(told) == TimeRange(start, start + duration)
