"""Time on integer nanoseconds, held against `mediatimestamp`.

The oracle is continuous where the store has a grid of nanoseconds, and lenient where the standard
is strict; both differences are listed here, and everything else must agree.
"""

from __future__ import annotations

import re

import mediatimestamp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tams.domain.timerange import (
    EMPTY,
    ETERNITY,
    LIMIT,
    SECOND,
    TimeRange,
    bounded,
    format_timestamp,
    parse_timestamp,
)
from tams.errors import Invalid

STAMP = r"-?(0|[1-9][0-9]*):(0|[1-9][0-9]{0,8})"
STANDARD_TIMESTAMP = re.compile(rf"\A{STAMP}\Z")
STANDARD_TIMERANGE = re.compile(rf"\A(\[|\()?({STAMP})?(_({STAMP})?)?(\]|\))?\Z")

nanoseconds = st.integers(-LIMIT, LIMIT) | st.integers(-3, 3)
spans = st.one_of(
    st.none(),
    st.integers(-5, 5),
    st.integers(-5, 5).map(lambda seconds: seconds * SECOND),
    nanoseconds,
)
openings, closings = st.sampled_from(["[", "("]), st.sampled_from(["]", ")"])


@st.composite
def timerange_texts(draw: st.DrawFn) -> str:
    """Two-sided ranges, as the standard writes them, with markers at every bound."""
    start, end = draw(spans), draw(spans)
    left = "" if start is None else f"{draw(openings)}{format_timestamp(start)}"
    right = "" if end is None else f"{format_timestamp(end)}{draw(closings)}"
    return f"{left}_{right}"


def oracle(text: str) -> mediatimestamp.TimeRange:
    return mediatimestamp.TimeRange.from_str(text)


def on_the_grid(text: str) -> tuple[int | None, int | None] | None:
    """What the oracle says of a text, in whole nanoseconds, ends exclusive; None if empty."""
    read = oracle(text)
    start = None if read.start is None else read.start.to_nanosec()
    end = None if read.end is None else read.end.to_nanosec()
    if read.is_empty():
        return None
    if start is not None and not read.includes_start():
        start += 1
    if end is not None and read.includes_end():
        end += 1
    return None if start is not None and end is not None and start >= end else (start, end)


@given(nanoseconds)
def test_a_timestamp_is_printed_and_read_as_the_oracle_does(ns: int) -> None:
    text = format_timestamp(ns)
    assert STANDARD_TIMESTAMP.match(text)
    assert text == str(mediatimestamp.Timestamp.from_nanosec(ns))
    assert parse_timestamp(text) == mediatimestamp.Timestamp.from_str(text).to_nanosec() == ns


@given(st.text(alphabet="-0123456789:.", max_size=14) | st.from_regex(STAMP, fullmatch=True))
def test_a_timestamp_is_what_the_standards_pattern_says(text: str) -> None:
    if STANDARD_TIMESTAMP.match(text) and text.isascii():
        assert format_timestamp(parse_timestamp(text)).lstrip("-") == text.lstrip("-")
    else:
        with pytest.raises(ValueError, match="is not a timestamp"):
            parse_timestamp(text)


@given(st.text(alphabet="-01:_[]() 5", max_size=16) | timerange_texts())
def test_a_timerange_is_what_the_standards_pattern_says(text: str) -> None:
    if STANDARD_TIMERANGE.match(text):
        TimeRange.parse(text)
    else:
        with pytest.raises(ValueError, match="is not a timerange"):
            TimeRange.parse(text)


@pytest.mark.parametrize(
    "lenient",
    ["1.5", "5", "[1.5_2.5)", "[0_10)", "00:0", "[1:0_2:0000000001)"],
)
def test_what_the_oracle_reads_and_the_standard_forbids(lenient: str) -> None:
    assert oracle(lenient) is not None
    with pytest.raises(ValueError, match="is not a timerange"):
        TimeRange.parse(lenient)


@pytest.mark.parametrize(
    "text", ["[0:0_10:0)\n", "\u0660:\u0660", "+1:0", "1:-5", "[1:0_2:0)x", "[[1:0_2:0)"]
)
def test_a_timerange_is_the_whole_text(text: str) -> None:
    with pytest.raises(ValueError, match="is not a timerange"):
        TimeRange.parse(text)


@given(timerange_texts())
def test_a_timerange_holds_what_the_oracles_does(text: str) -> None:
    ours = TimeRange.parse(text)
    assert (None if ours.is_empty else (ours.start, ours.end)) == on_the_grid(text)


@given(timerange_texts())
def test_a_timerange_is_printed_in_the_canonical_form(text: str) -> None:
    ours = TimeRange.parse(text)
    assert TimeRange.parse(str(ours)) == ours
    if not text.startswith("(") and not ours.is_empty:
        assert str(ours) == str(oracle(text))


@given(timerange_texts(), timerange_texts())
def test_ranges_overlap_where_the_oracle_finds_a_whole_nanosecond(one: str, other: str) -> None:
    shared = on_the_grid(str(oracle(one).intersect_with(oracle(other))))
    assert TimeRange.parse(one).overlaps(TimeRange.parse(other)) is (shared is not None)
    assert TimeRange.parse(other).overlaps(TimeRange.parse(one)) is (shared is not None)


@given(timerange_texts(), timerange_texts())
def test_a_range_contains_what_the_oracle_does_not_clip(one: str, other: str) -> None:
    clipped = on_the_grid(str(oracle(one).intersect_with(oracle(other))))
    inside = on_the_grid(other) is None or clipped == on_the_grid(other)
    assert TimeRange.parse(one).contains(TimeRange.parse(other)) is inside


@given(timerange_texts(), timerange_texts())
def test_an_intersection_holds_what_the_oracles_does(one: str, other: str) -> None:
    shared = on_the_grid(str(oracle(one).intersect_with(oracle(other))))
    for first, second in ((one, other), (other, one)):
        ours = TimeRange.parse(first).intersection(TimeRange.parse(second))
        assert (None if ours.is_empty else (ours.start, ours.end)) == shared


@given(timerange_texts(), timerange_texts())
def test_the_end_of_an_intersection_is_written_as_the_range_has_it(one: str, other: str) -> None:
    first, second = TimeRange.parse(one), TimeRange.parse(other)
    ours = first.intersection(second)
    if not ours.is_empty:
        ends = {(each.end, each.end_inclusive) for each in (first, second)}
        assert (ours.end, ours.end_inclusive) in ends


@given(timerange_texts(), nanoseconds)
def test_a_shift_moves_both_ends_and_keeps_the_marker(text: str, ns: int) -> None:
    ours = TimeRange.parse(text)
    assert ours.shifted(ns).shifted(-ns) == ours
    shifted = ours.shifted(ns)
    assert shifted.end_inclusive is ours.end_inclusive
    if ours.start is not None and not ours.is_empty:
        assert shifted.start == ours.start + ns


@given(st.integers(-(2**70), 2**70), st.integers(-(2**70), 2**70))
def test_a_clamped_range_keeps_all_that_can_be_stored(start: int, end: int) -> None:
    clamped = TimeRange.of(start, end).clamped()
    for ns in (-LIMIT, -1, 0, LIMIT):
        instant = TimeRange(ns, ns + 1)
        assert clamped.overlaps(instant) is (start <= ns < end)
    assert clamped.is_empty is (start >= end)
    assert clamped.start >= -(2**63)
    assert clamped.end < 2**63


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("_", "_"),
        ("[_]", "_"),
        ("", "()"),
        ("()", "()"),
        ("[]", "()"),
        ("(", "()"),
        ("1:0", "[1:0]"),
        ("[1:0]", "[1:0]"),
        ("(1:0)", "()"),
        ("[1:0)", "()"),
        ("(1:0]", "()"),
        ("[2:0_2:0]", "[2:0]"),
        ("[2:0_2:0)", "()"),
        ("(2:0_2:0]", "()"),
        ("[3:0_2:0]", "()"),
        ("1:0_2:0", "[1:0_2:0]"),
        ("[1:0_", "[1:0_"),
        ("[1:0_)", "[1:0_"),
        ("_2:0)", "_2:0)"),
        ("(_2:0]", "_2:0]"),
        ("(1:0_2:0)", "[1:1_2:0)"),
        ("(1:0_1:1)", "()"),
        ("[-0:0_0:5)", "[0:0_0:5)"),
        ("[-1:500000000_-0:5]", "[-1:500000000_-0:5]"),
    ],
)
def test_every_form_has_one_reading(text: str, printed: str) -> None:
    assert str(TimeRange.parse(text)) == printed


def test_touching_ranges_overlap_only_at_an_inclusive_end() -> None:
    first, instant, second = map(TimeRange.parse, ("[1:0_2:0)", "[2:0]", "[2:0_3:0)"))
    assert not first.overlaps(instant)
    assert instant.overlaps(second)
    assert TimeRange.parse("[1:0_2:0]").overlaps(second)


def test_nothing_overlaps_nothing_and_lies_in_everything() -> None:
    for other in (EMPTY, ETERNITY, TimeRange(0, 1)):
        assert not EMPTY.overlaps(other)
        assert not other.overlaps(EMPTY)
        assert other.contains(EMPTY)
    assert not EMPTY.contains(TimeRange(0, 1))


def test_times_out_of_bounds_are_refused_by_name() -> None:
    assert bounded("ts_offset", -LIMIT) == -LIMIT
    for ns in (LIMIT + 1, -LIMIT - 1):
        with pytest.raises(Invalid, match=r"ts_offset: times must lie within ±9223372036 seconds"):
            bounded("ts_offset", ns)
