"""`tams admin report`: what the store holds, in numbers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tams.cli.configuration import configured
from tams.cli.counting import counting
from tams.cli.remote import run, screen

if TYPE_CHECKING:
    from rich.console import Console

    from tams.services.analytics import Analytics
    from tams.wire.analytics import Fact

Facts = dict[str, Any]
MOST = 20
"""How many entries of a long object are shown, the largest first."""
_BLOCKS = "▁▂▃▄▅▆▇█"
_IN_ORDER = ("duration_percentiles", "time_coverage", "hourly", "daily")


def report(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object instead of tables.")
    ] = False,
) -> None:
    """Tell what the store holds: Flows, bytes and how often they are read, Segments, rows.

    The numbers are those of `/flow-usage`, `/storage-usage`, `/time-range-analysis` and
    `/analytics/catalog-summary`; see docs/extensions.md.
    """
    found = run(_report())
    if as_json:
        typer.echo(json.dumps(found))
        return
    console = screen()
    for title, facts in found.items():
        _print(console, title, facts)


async def _report() -> dict[str, Facts]:
    from tams.app.upkeep import upkeep

    with counting() as tell:
        async with upkeep(configured(), tell) as store:
            return await _ask(store.analytics)


async def _ask(analytics: Analytics) -> dict[str, Facts]:
    from tams.services.analytics import ALL
    from tams.wire import analytics as wire

    return {
        "catalog-summary": dict(wire.catalog_summary(await analytics.summary())),
        "flow-usage": await _whole(wire.flow_usage(analytics.usage(), analytics.flows(ALL))),
        "storage-usage": dict(wire.storage_usage(await analytics.storage(ALL))),
        "time-range-analysis": dict(wire.time_range_analysis(await analytics.time_ranges(ALL))),
    }


async def _whole(facts: AsyncIterable[Fact]) -> Facts:
    found: Facts = {}
    async for name, value in facts:
        if isinstance(value, Mapping):
            found.setdefault(name, {}).update(value)
        else:
            found[name] = value
    return found


def _print(console: Console, title: str, facts: Facts) -> None:
    from rich.table import Column, Table

    table = Table(title, Column("", justify="right"), "", box=None, pad_edge=False)
    for name, value in facts.items():
        if isinstance(value, dict) and all(isinstance(each, dict) for each in value.values()):
            for inner, entries in value.items():
                _add_entries(table.add_row, inner, entries)
        elif isinstance(value, dict):
            _add_entries(table.add_row, name, value)
        elif isinstance(value, list):
            shown = (_entry(each) for each in value)
            table.add_row(name, str(len(value)), ", ".join(shown))
        else:
            table.add_row(name, _number(value))
    console.print(table)
    console.print()


def _add_entries(add_row: Any, name: str, entries: Mapping[str, Any]) -> None:  # noqa: ANN401 (rich's own)
    """A line for all, with bars side by side, then one for each entry."""
    numbers = [each for each in entries.values() if isinstance(each, int | float)]
    add_row(name, str(len(entries)), sparkline(numbers) if len(numbers) > 1 else "")
    shown = entries.items() if name in _IN_ORDER else sorted(entries.items(), key=_largest)
    for key, value in list(shown)[:MOST]:
        add_row(f"  {key}", _number(value))
    if len(entries) > MOST:
        add_row(f"  and {len(entries) - MOST:,} more", "")


def _largest(entry: tuple[str, Any]) -> float:
    return -entry[1] if isinstance(entry[1], int | float) else 0


def sparkline(numbers: Sequence[float]) -> str:
    """Bars beside each other, the highest for the largest number; of many, as many as fit."""
    step = max(1, -(-len(numbers) // 60))
    parts = [max(part) for part in _parts(numbers, step)]
    top = max(parts, default=0)
    if top <= 0:
        return _BLOCKS[0] * len(parts)
    return "".join(_BLOCKS[round((len(_BLOCKS) - 1) * max(each, 0) / top)] for each in parts)


def _parts(numbers: Sequence[float], step: int) -> Iterator[Sequence[float]]:
    for start in range(0, len(numbers), step):
        yield numbers[start : start + step]


def _number(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.3f}" if isinstance(value, float) else "" if value is None else str(value)


def _entry(value: object) -> str:
    if isinstance(value, dict):
        return f"{value['id']} ({value['access_count']:,})"
    return str(value)
