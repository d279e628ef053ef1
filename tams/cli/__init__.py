"""The command line: one command, one file."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from tams import __version__
from tams.cli import admin, conformance, export, ingest, ls, serve, upload, worker
from tams.cli.refusals import tell
from tams.errors import TamsError

app = typer.Typer(
    help="The store for time-addressable media.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("ingest")(ingest.ingest)
app.command("upload")(upload.upload)
app.command("export")(export.export)
app.command("ls")(ls.ls)
app.command("conformance")(conformance.conformance)
app.add_typer(admin.app, name="admin")


@app.command("version")
def version() -> None:
    """Print the version."""
    Console().print(__version__)


def main() -> None:
    """Run a command; an error of ours is one line and exit status 1, never a stack trace."""
    try:
        app(prog_name="tams")
    except TamsError as error:
        tell(error)
        sys.exit(1)
