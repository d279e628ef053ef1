"""A receiver of webhooks: takes every POST, and says in answer to GET how many came."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


async def serve() -> None:
    """Count what comes."""
    taken = 0

    async def take(request: web.BaseRequest) -> web.Response:
        nonlocal taken
        if request.method == "POST":
            await request.read()
            taken += 1
            return web.Response(status=204)
        return web.json_response(taken)

    await listen(take)


async def listen(answer: Answer) -> None:
    """Listen on a free port, print the URL, and answer until the process ends."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.SockSite(runner, listener).start()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
