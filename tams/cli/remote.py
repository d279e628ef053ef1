"""What the commands that speak to a server have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from tams.errors import TamsError

Url = Annotated[
    str,
    typer.Option(envvar="TAMS_API_BASE_URL", help="Address of the server.", metavar="URL"),
]
"""The option `--url`."""

DEFAULT_URL = "http://127.0.0.1:8000"
INTERRUPTED = 130


def run(work: Coroutine[Any, Any, None], *, if_interrupted: str = "interrupted") -> None:
    """Run a command to its end; a failure is one line on stderr and exit code 1."""
    try:
        asyncio.run(work)
    except (TamsError, OSError) as error:
        typer.echo(f"tams: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo(f"tams: {if_interrupted}", err=True)
        raise typer.Exit(INTERRUPTED) from None
