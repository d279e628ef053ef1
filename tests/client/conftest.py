"""A real HTTP server whose answers a test writes, and a client that never waits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tams.client import TAMSClient
from tams.client.retry import Retry

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Served:
    """Every request to the server, and the pauses that the client would have made."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.pauses: list[float] = []
        self.client: TAMSClient

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Handler], Awaitable[Served]]]:
    """Return a function that serves with one handler and gives a client of it."""
    open_servers: list[tuple[TestServer, Served]] = []

    async def start(handler: Handler) -> Served:
        served = Served()

        async def recorded(request: web.Request) -> web.StreamResponse:
            served.requests.append(request)
            served.bodies.append(await request.read())
            return await handler(request)

        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/{path:.*}", recorded)
        server = TestServer(app)
        await server.start_server()
        retry = Retry(sleep=served.sleep, jitter=lambda: 1.0)
        served.client = TAMSClient(str(server.make_url("/")), token="secret", retry=retry)
        open_servers.append((server, served))
        return served

    yield start
    for server, served in open_servers:
        await served.client.close()
        await server.close()
