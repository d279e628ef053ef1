"""A server of ours under test: real HTTP, two backends, and a clock that can be put forward."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest_asyncio
import uvicorn

from tams.app import running
from tams.conformance.server import Server
from tams.settings import read_settings

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
    """The machine's clock, put forward as a check asks."""

    def __init__(self):
        self.ahead = timedelta()

    def __call__(self):
        return datetime.now(UTC) + self.ahead


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conformance")
    backends = folder / "backends.toml"
    backends.write_text(BACKENDS.format(folder=folder))
    clock = AdjustableClock()
    settings = read_settings(
        {},
        data_dir=folder,
        storage=str(backends),
        catalogue=f"sqlite:///{folder}/catalogue.sqlite",
        worker_interval=86400.0,
        synchronous="OFF",
    )
    listener = socket.create_server(("127.0.0.1", 0))
    async with running(settings, clock) as app:

        async def wait(seconds):
            clock.ahead += timedelta(seconds=seconds)
            await app.state.worker.work_off()

        config = uvicorn.Config(app, lifespan="off", access_log=False, log_level="warning")
        web = uvicorn.Server(config)
        serving = asyncio.create_task(web.serve([listener]))
        async with aiohttp.ClientSession() as session:
            yield Server(f"http://127.0.0.1:{listener.getsockname()[1]}", session, {}, wait)
        web.should_exit = True
        await serving
