"""`tams worker`."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import structlog
import typer

from tams.cli.configuration import begin
from tams.observability import masked
from tams.settings import Settings


def worker(
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the embedded catalogue and media.")
    ] = None,
) -> None:
    """Do the background work alone until SIGTERM or Ctrl-C; what is under way is finished first.

    Any number may run beside servers with the same settings; a server with TAMS_BACKGROUND=false
    leaves all of it to them. See docs/operations.md.
    """
    settings = begin(data_dir=data_dir)
    import uvloop

    uvloop.run(_work(settings))


async def _work(settings: Settings) -> None:
    from tams.app.background import working

    log = structlog.get_logger(__name__)
    stopped = asyncio.Event()
    async with working(settings):
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        log.info("the worker has begun", catalogue=masked(settings.catalogue_url))
        await stopped.wait()
        log.info("the worker finishes what is under way")
    log.info("the worker has ended")
