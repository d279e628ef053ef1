"""`tams admin backup` and `tams admin restore`: the catalogue of SQLite as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tams.cli.configuration import configured
from tams.cli.counting import counting
from tams.domain.clock import utc_now
from tams.errors import TamsError


def backup(
    file: Annotated[Path, typer.Argument(help="Where the copy goes.")],
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file of this name, when the copy is whole.")
    ] = False,
) -> None:
    """Copy the catalogue to a file, while servers go on; media are not in it.

    All is there that was acknowledged before it began. The copy holds secrets of webhooks, so its
    owner alone can read it. Copy the media after the catalogue: see docs/operations.md.
    """
    from tams.catalogue import connect

    with counting() as tell:
        try:
            url = configured().catalogue_url
            connect.backup(url, file, force=force, tell=tell)
        except OSError as error:
            raise _blamed(error, file) from error
    typer.echo(f"{file} has the catalogue")


def restore(
    file: Annotated[Path, typer.Argument(help="What `tams admin backup` has written.")],
) -> None:
    """Put a backup in the place of the catalogue, which no server may have open.

    The backup is checked first, and the old catalogue is kept beside it. Run `tams admin check`
    afterwards: see docs/operations.md.
    """
    from tams.catalogue import connect

    with counting() as tell:
        try:
            url = configured().catalogue_url
            aside = connect.restore(url, file, utc_now(), tell=tell)
        except OSError as error:
            raise _blamed(error, file) from error
    typer.echo(
        "the catalogue is that of the backup" + (f"; the old one is {aside}" if aside else "")
    )


def _blamed(error: OSError, file: Path) -> TamsError:
    """Name what the system refused; of two files it is what was to be made."""
    return TamsError(f"{error.filename2 or error.filename or file}: {error.strerror}")
