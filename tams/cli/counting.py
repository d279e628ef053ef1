"""How far a long look has come, on stderr where that is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import TaskID


@contextmanager
def counting() -> Iterator[Callable[[str, int], None]]:
    """Show a growing number for each thing told of, since nobody knows how many there will be."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(thing: str, done: int) -> None:
            if thing not in tasks:
                tasks[thing] = progress.add_task(thing, total=None)
            progress.update(tasks[thing], completed=done)

        yield tell
