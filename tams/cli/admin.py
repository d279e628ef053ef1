"""`tams admin …`: what the one who runs the store does."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from tams.cli import backup, check, credentials, gc, report
from tams.cli.configuration import configured

app = typer.Typer(help="Look after the store.", no_args_is_help=True)
app.command("check")(check.check)
app.command("gc")(gc.gc)
app.command("report")(report.report)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(credentials.users, name="user")
app.add_typer(credentials.clients, name="client")
app.add_typer(credentials.tokens, name="token")


@app.callback()
def admin() -> None:
    """Look after the store."""


@app.command()
def migrate(
    segment_partitions: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=16,
            help="Tables among which a new catalogue of PostgreSQL spreads its Segments, by Flow.",
        ),
    ] = None,
) -> None:
    """Bring the catalogue's schema to this version; TAMS_CATALOGUE says which catalogue."""
    from tams.catalogue.connect import migrate as migrate_catalogue

    url = configured().catalogue_url
    asyncio.run(migrate_catalogue(url, segment_partitions))
    Console().print("the catalogue's schema is that of this version")
