"""`tams serve`."""

from __future__ import annotations

import gc
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tams.cli.configuration import begin
from tams.cli.processes import Processes, Tether
from tams.cli.refusals import tell
from tams.errors import BadSettings, TamsError
from tams.observability import masked
from tams.settings import Settings

_CONTAINERS = 10_000
"""How many more there must be than a moment ago before the youngest are looked over for cycles."""


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the embedded catalogue and media.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that serve; worth their memory up to the cores.")
    ] = None,
    *,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen beyond this machine without authentication.")
    ] = False,
) -> None:
    """Serve the TAMS API until SIGTERM or Ctrl-C; requests under way are finished first.

    Settings come from the environment, `.env` and a file; see docs/settings.md. An option wins.
    """
    settings = begin(host=host, port=port, data_dir=data_dir, workers=workers)
    if not (settings.is_loopback or settings.auth_schemes or insecure):
        raise BadSettings(
            f"TAMS_HOST: {settings.host} can be reached from other machines, and authentication is "
            f"off; set TAMS_AUTH, listen on 127.0.0.1, or say --insecure"
        )
    listener = _listen(settings)
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    if settings.workers == 1:
        _serve(settings, listener, lambda _: _announce(settings))
    else:
        sys.exit(_serve_together(settings, listener))


def _serve_together(settings: Settings, listener: socket.socket) -> int:
    """Serve in several processes; gives the exit status."""
    from tams.app.running import load

    def serve_one(tether: Tether) -> None:
        try:
            _serve(settings, listener, tether.fasten)
        except TamsError as error:
            tell(error)
            sys.exit(1)

    load(settings)
    processes = Processes(settings.workers, serve_one, listener, grace=settings.shutdown_grace)
    return processes.run(lambda: _announce(settings))


def _serve(
    settings: Settings, listener: socket.socket, begun: Callable[[Callable[[], None]], None]
) -> None:
    """Serve in this process; `begun` is called with what ends it as SIGTERM does."""
    import uvloop

    uvloop.run(_serve_here(settings, listener, begun))


async def _serve_here(
    settings: Settings, listener: socket.socket, begun: Callable[[Callable[[], None]], None]
) -> None:
    import uvicorn

    from tams.app.running import running
    from tams.cli.connections import affordable, connections

    async with running(settings) as app:
        config = uvicorn.Config(
            app,
            lifespan="off",
            http=connections(settings.client_timeout, affordable(settings.max_connections)),
            ws="none",
            access_log=False,
            log_level="error" if settings.log_level == "ERROR" else "warning",
            server_header=False,
            timeout_keep_alive=settings.keep_alive,
            timeout_graceful_shutdown=settings.shutdown_grace,
        )
        server = uvicorn.Server(config)
        # Once it has drained, uvicorn raises the signal again; the default would end us uncleanly.
        # Until here the default is right: a start that is not finished has nothing to finish.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, server.handle_exit)
        # What is loaded stays: looking it over took the collector a quarter of a large POST.
        gc.freeze()
        # A large request makes thousands of containers, which all go with it: to look them over
        # meanwhile took a tenth of a page.
        gc.set_threshold(_CONTAINERS)
        begun(lambda: server.handle_exit(signal.SIGTERM, None))
        await server.serve([listener])


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        raise BadSettings(
            f"TAMS_HOST, TAMS_PORT: cannot listen on {settings.host}:{settings.port}: "
            f"{error.strerror}"
        ) from None
    listener.listen(2048)
    return listener


def _announce(settings: Settings) -> None:
    from tams.storage.configure import read_backends

    console = Console(highlight=False, markup=False, soft_wrap=True)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    console.print(f"TAMS API     http://{host}:{settings.port}")
    console.print(f"documents    http://{host}:{settings.port}/docs")
    console.print(f"catalogue    {masked(settings.catalogue_url)}")
    for backend in read_backends(settings.storage, settings.data_dir):
        console.print(f"media        {backend.place}")
    if settings.workers > 1:
        console.print(f"processes    {settings.workers}")
    if settings.auth_schemes:
        console.print(f"credentials  {', '.join(sorted(settings.auth_schemes))}")
    else:
        console.print("authentication is off: whoever reaches this address may do everything")
