"""The media routes alone, over real HTTP, on storages that a test makes."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import uvicorn
import uvloop
from fastapi import FastAPI

from tams.api import errors, media
from tams.cli.lending import LendingProtocol
from tams.domain.clock import utc_now
from tams.domain.storage import StorageBackend
from tams.services.media import Media
from tams.storage.local import LocalStorage
from tams.storage.signing import MediaUrls

BACKEND = StorageBackend(
    id="6a8f3f6c-1d51-4f0e-9c0d-0b8f6a1f2e11",
    label="local",
    provider="local",
    store_product="tams-local",
    tags={"tier": "hot"},
    public_url="http://media.example",
)
SECRET = b"0123456789abcdef0123456789abcdef"
KEY = "tams/2026/11/20/flow/object.ts"
MAX_SIZE = 3 << 20


class StoppedClock:
    """Shows one moment until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, 7, 3, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)


def media_app(storages: Mapping[str, LocalStorage], max_size: int = MAX_SIZE) -> FastAPI:
    """An application with the routes of `/media` and nothing else."""
    app = FastAPI()
    errors.install(app)
    app.include_router(media.router)
    app.state.services = SimpleNamespace(media=Media(storages, max_size=max_size))
    return app


@asynccontextmanager
async def serving(
    storages: Mapping[str, LocalStorage],
    http: type[asyncio.Protocol] | Literal["h11"] = LendingProtocol,
) -> AsyncIterator[str]:
    """Serve them on a free port of this machine; gives the base URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(media_app(storages), http=http, lifespan="off", log_level="critical")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listening])
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    await server.shutdown(sockets=[listening])


async def main(root: str) -> None:
    """Serve one folder until standard input ends, so that a test can watch a process."""
    urls = MediaUrls(SECRET, utc_now, timeout=3600, window=900)
    storage = LocalStorage(BACKEND, Path(root), urls)
    await storage.open()
    async with serving({BACKEND.id: storage}) as base_url:
        print(base_url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
