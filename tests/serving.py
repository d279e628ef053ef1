"""The whole server over real HTTP: two Storage Backends, and a clock that can be put forward."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from tams.app.running import running
from tams.conformance.receiver import receiving
from tams.conformance.server import Answer, Headers, Server
from tams.settings import read_settings
from tests.examined import Examined

BACKENDS = """
[[backend]]
url = "file://{folder}/hot"
label = "hot"
default = true
region = "here"
tags = {{ tier = "hot", rooms = ["one", "two"] }}

[[backend]]
url = "file://{folder}/cold"
"""


class AdjustableClock:
    """The machine's clock, put forward as a test asks."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class CheckedServer(Server):
    """A server of ours: no answer of it may differ from the official document.

    `catalogue` and `folder` say where it keeps its facts and its media.
    """

    app: FastAPI | None = None
    examined: Examined | None = None
    catalogue: str = ""
    folder: Path = Path()

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content: bytes | None = None,
        headers: Headers | None = None,
    ) -> Answer:
        answer = await super().request(method, path, body, content=content, headers=headers)
        if self.examined is not None:
            self.examined.ensure()
        return answer


def free_port() -> socket.socket:
    """Listen on a free port of this machine."""
    # asyncio sends small answers at once only where the socket names its protocol.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


@asynccontextmanager
async def listening(app: ASGIApp, listener: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve an application on a free port of this machine; gives the base URL."""
    listener = listener or free_port()
    # Kept for longer than any client keeps its own: else one may send into what is being closed.
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="websockets-sansio",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=600,
    )
    web = uvicorn.Server(config)
    serving = asyncio.create_task(web.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        web.should_exit = True
        await serving


@asynccontextmanager
async def serving(
    folder: Path,
    catalogue: str,
    around: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    **chosen: str,
) -> AsyncIterator[CheckedServer]:
    """Serve a catalogue, with media in `folder`; time passes and work is done as the test asks.

    What `around` makes of the application is what listens; `chosen` are settings by their names:
    with `storage`, media lie there instead.
    """
    backends = folder / "backends.toml"
    backends.write_text(BACKENDS.format(folder=folder))
    clock = AdjustableClock()
    listener = free_port()
    settings = read_settings(
        {},
        port=listener.getsockname()[1],
        data_dir=folder,
        catalogue=catalogue,
        worker_interval=86400.0,
        synchronous="OFF",
        **{"webhook_allow": "127.0.0.1", "storage": str(backends), **chosen},
    )
    async with running(settings, clock) as app:
        examined = Examined(app)

        async def wait(seconds: float) -> None:
            clock.ahead += timedelta(seconds=seconds)
            await app.state.worker.work_off()

        async with (
            listening(around(examined), listener) as base,
            receiving("http://127.0.0.1:0") as receiver,
            aiohttp.ClientSession() as session,
        ):
            yield CheckedServer(
                base,
                session,
                wait=wait,
                receiver=receiver,
                app=app,
                examined=examined,
                catalogue=catalogue,
                folder=folder,
            )
        examined.ensure()


@contextmanager
def serving_apart(folder: Path, catalogue: str, **chosen: str) -> Iterator[str]:
    """The same in a thread of its own, for clients that block; gives the base URL."""
    started: Future[str] = Future()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with serving(folder, catalogue, **chosen) as server:
            started.set_result(server.base)
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        yield started.result(timeout=60)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
