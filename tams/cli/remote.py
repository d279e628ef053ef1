"""What the commands that speak to a server have in common."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from tams.errors import TamsError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from tams.client import TAMSClient

T = TypeVar("T")


def server_option(*names: str) -> Any:  # noqa: ANN401 (typer's own)
    """The option of these names that says where the server is."""
    return typer.Option(
        *names, envvar="TAMS_API_BASE_URL", help="Address of the server.", metavar="URL"
    )


Url = Annotated[str, server_option("--url")]

INTERRUPTED = 130
UNLIMITED = 1 << 16
"""Columns of an output that is no screen."""


def run(work: Coroutine[Any, Any, T], *, if_interrupted: str = "interrupted") -> T:
    """Run a command to its end; raise only `TamsError`, which `main` prints."""
    try:
        return asyncio.run(work)
    except BrokenPipeError:
        # Whoever read our output has seen enough; the command line's framework ends us quietly.
        raise
    except OSError as error:
        raise TamsError(str(error)) from error
    except KeyboardInterrupt:
        typer.echo(f"tams: {if_interrupted}", err=True)
        raise typer.Exit(INTERRUPTED) from None


def connect(url: str) -> TAMSClient:
    """A client of that server, which shows the credentials that the environment holds."""
    from tams.client.environment import connect as connect_by

    return connect_by(url, os.environ)


def screen() -> Console:
    """Where tables go: a row is one line, however long, where stdout is no terminal."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = UNLIMITED
    return console


@contextmanager
def bars() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for each thing told of, on stderr, where that is a terminal.

    The function given is told the thing, how much of it is done, and of about how much.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(thing: str, done: int, total: int) -> None:
            if thing not in tasks:
                tasks[thing] = progress.add_task(thing)
            progress.update(tasks[thing], completed=done, total=max(total, done))

        yield tell
