"""`tams admin gc`: what clean-up removes, now and later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tams.cli.configuration import configured
from tams.cli.counting import counting
from tams.cli.remote import run, screen

if TYPE_CHECKING:
    from tams.services.outlook import Due


def gc(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Remove nothing, and tell what is due when.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object instead of a table.")
    ] = False,
) -> None:
    """Remove what is due now, as servers and workers do by themselves; tell what is due later.

    What nobody refers to any more goes when no URL to it can work any more, what was allocated and
    not registered when its time is over.
    """
    found = run(_gc(dry_run=dry_run))
    if as_json:
        typer.echo(json.dumps({term: asdict(due) for term, due in found.items()}))
    else:
        _print(found)


async def _gc(*, dry_run: bool) -> Mapping[str, Due]:
    from tams.app.upkeep import upkeep

    with counting() as tell:
        async with upkeep(configured(), tell) as store:
            if not dry_run:
                await store.cleaner.work_off()
            return await store.outlook.look()


def _print(found: Mapping[str, Due]) -> None:
    from rich.table import Column, Table

    names = ("Objects", "copies", "removed Flows", "deletions", "bytes")
    numbers = (Column(name, justify="right") for name in names)
    table = Table("due", *numbers, box=None, pad_edge=False)
    for term, due in found.items():
        table.add_row(term, *(f"{number:,}" for number in asdict(due).values()))
    screen().print(table)
