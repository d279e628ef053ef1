"""What analytics find, by the vendor's names: as JSON or as CSV, a piece at a time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping, Sequence

from tams.domain.analytics import (
    CountedFlow,
    FlowUsage,
    ReadObject,
    StorageUsage,
    TimeRanges,
    time_of_day,
)
from tams.domain.rollups import Weight
from tams.domain.timerange import SECOND, format_timestamp
from tams.wire.values import timestamp_text

Fact = tuple[str, object]
"""A metric by its name; an object may come in parts, one after the other by the same name."""

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LENGTHS = (("short", 10), ("medium", 60), ("long", None))
_RANGES = (("0-10s", 10), ("10-30s", 30), ("30-60s", 60), ("60s+", None))


async def flow_usage(
    usage: FlowUsage, pages: AsyncIterable[Sequence[CountedFlow]]
) -> AsyncIterator[Fact]:
    """Each Flow as it comes, then what they come to."""
    yield "storage_by_flow", {}
    async for page in pages:
        usage.add(page)
        yield "storage_by_flow", {flow.id: (flow.weight or Weight()).bytes for flow in page}
    weight, flows = usage.weight, usage.flows
    yield "total_flows", flows
    yield "total_segments", usage.segments
    yield "created_last_30_days", usage.recent
    yield "format_distribution", dict(usage.formats)
    yield "codec_distribution", dict(usage.codecs)
    yield "resolution_distribution", dict(usage.resolutions)
    yield "storage_by_format", dict(usage.bytes_by_format)
    yield "estimated_storage_bytes", weight.bytes
    yield "average_flow_size", weight.bytes / flows if flows else 0
    yield "unmeasured_objects", weight.objects - weight.measured


def storage_usage(usage: StorageUsage) -> Iterator[Fact]:
    """Numbers of Objects."""
    weight = usage.weight
    objects, measured, size = weight.objects, weight.measured, weight.bytes
    yield "total_objects", objects
    yield "total_size_bytes", size
    yield "average_size_bytes", size / measured if measured else 0
    yield "unmeasured_objects", objects - measured
    yield (
        "size_distribution",
        {
            "small": weight.small,
            "medium": weight.medium,
            "large": weight.large,
            "xlarge": weight.xlarge,
        },
    )
    yield "total_access_count", weight.accesses
    yield "average_access_count", weight.accesses / objects if objects else 0
    rarely = objects - weight.moderately - weight.frequently
    yield (
        "access_patterns",
        {
            "frequently_accessed": weight.frequently,
            "moderately_accessed": weight.moderately,
            "rarely_accessed": rarely,
        },
    )
    yield "most_accessed", [_object(one) for one in usage.most]
    yield "least_accessed", [_object(one) for one in usage.least]
    yield "storage_growth_rate", size / max(usage.days, 1)
    if usage.used is not None:
        yield "storage_efficiency", usage.used / size if size else 1


def time_range_analysis(found: TimeRanges) -> Iterator[Fact]:
    """Numbers of Segments; where there is none, of none."""
    rollup = found.rollup
    durations = rollup.durations or {}
    average = rollup.duration / rollup.segments / SECOND if rollup.segments else 0
    yield "total_segments", rollup.segments
    yield "average_duration", average
    yield "average_duration_seconds", average
    yield "min_duration_seconds", min(durations, default=0) / SECOND
    yield "max_duration_seconds", max(durations, default=0) / SECOND
    yield "total_duration_seconds", rollup.duration / SECOND
    yield "total_duration", format_timestamp(rollup.duration)
    yield "duration_distribution", _classes(durations, _LENGTHS)
    yield "time_range_distribution", _classes(durations, _RANGES)
    percentiles = found.percentiles()
    yield "duration_percentiles", {f"p{at}": ns / SECOND for at, ns in percentiles.items()}
    yield (
        "time_coverage",
        {
            "start_date": _date(found.start),
            "end_date": _date(found.end),
            "total_coverage_hours": rollup.duration / SECOND / 3600,
        },
    )
    yield (
        "temporal_patterns",
        {
            "hourly": {f"{hour:02d}": number for hour, number in enumerate(rollup.hours)},
            "daily": dict(zip(_DAYS, rollup.days, strict=True)),
        },
    )


def catalog_summary(numbers: Mapping[str, int]) -> Iterator[Fact]:
    """What there is of each noun."""
    yield "total_tables", len(numbers)
    yield "table_names", sorted(numbers)
    yield "table_stats", {name: {"total_rows": numbers[name]} for name in sorted(numbers)}


async def in_turn(facts: Iterator[Fact]) -> AsyncIterator[Fact]:
    """What is known already, as what is still to come."""
    for fact in facts:
        yield fact


async def json_parts(facts: AsyncIterable[Fact]) -> AsyncIterator[bytes]:
    """One JSON object."""
    before, opened, inner = "{", "", ""
    async for name, value in facts:
        text = json.dumps(value)
        if name == opened:
            yield f"{inner if text != '{}' else ''}{text[1:-1]}".encode()
            inner = inner if text == "{}" else ", "
            continue
        before = f"}}{before}" if opened else before
        opened = name if isinstance(value, Mapping) else ""
        inner = ", " if len(text) > 2 else ""
        yield f"{before}{json.dumps(name)}: {text[:-1] if opened else text}".encode()
        before = ", "
    yield b"}}" if opened else b"}"


async def csv_parts(facts: AsyncIterable[Fact]) -> AsyncIterator[bytes]:
    """A line for each number, by a name with dots (RFC 4180)."""
    yield b"metric,value\r\n"
    async for name, value in facts:
        text = io.StringIO()
        csv.writer(text).writerows(_lines(name, value))
        yield text.getvalue().encode()


def _lines(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _lines(f"{name}.{key}", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _lines(f"{name}.{number}", inner)
    else:
        yield name, "" if value is None else value


def _classes(
    durations: Mapping[int, int], classes: Sequence[tuple[str, int | None]]
) -> dict[str, int]:
    """How many Segments are in each class, by the seconds below which it lies."""
    found = dict.fromkeys((name for name, _ in classes), 0)
    for duration, number in durations.items():
        name = next(name for name, below in classes if below is None or duration < below * SECOND)
        found[name] += number
    return found


def _object(one: ReadObject) -> dict[str, object]:
    last = one.last_accessed
    return {
        "id": one.id,
        "access_count": one.accesses,
        "last_accessed": None if last is None else timestamp_text(last),
        "size": one.size,
    }


def _date(ns: int | None) -> str | None:
    return None if ns is None else timestamp_text(time_of_day(ns))
