"""A receiver of webhooks: takes every POST, and says in answer to GET how many came."""

from __future__ import annotations

import asyncio
import socket

from aiohttp import web


async def serve() -> None:
    """Listen on a free port and print the URL."""
    taken = 0

    async def take(request: web.BaseRequest) -> web.Response:
        nonlocal taken
        if request.method == "POST":
            await request.read()
            taken += 1
            return web.Response(status=204)
        return web.json_response(taken)

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    runner = web.ServerRunner(web.Server(take))
    await runner.setup()
    await web.SockSite(runner, listener).start()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
