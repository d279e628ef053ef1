"""Clients of a stream of events; says in answer to GET how many have come to all of them."""

from __future__ import annotations

import asyncio
import sys
from urllib.parse import urlsplit

from aiohttp import web

from bench.clients import request
from bench.receiver import listen

_EVENT = b"\nevent: "


class Follower(asyncio.Protocol):
    """One connection; `taken` counts the events that came to it."""

    def __init__(self) -> None:
        self.taken = 0
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        if not self.begun.done():
            self.begun.set_result(None)
        received = self._rest + data
        self.taken += received.count(_EVENT)
        self._rest = received[-len(_EVENT) + 1 :]


async def follow(server: str, number: int) -> None:
    """Open so many connections, then tell how many events came over them."""
    where = urlsplit(server)
    loop = asyncio.get_running_loop()
    followers = []
    for _ in range(number):
        transport, follower = await loop.create_connection(Follower, where.hostname, where.port)
        transport.write(request("GET", "/events/stream?types=flows/segments_added"))
        await follower.begun
        followers.append(follower)

    async def count(_: web.BaseRequest) -> web.Response:
        return web.json_response(sum(each.taken for each in followers))

    await listen(count)


if __name__ == "__main__":
    asyncio.run(follow(sys.argv[1], int(sys.argv[2])))
