"""Clients of the streams of events, and what they are told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp

from tams.conformance.server import Server

DEADLINE_S = 60
PATIENT = aiohttp.ClientTimeout(total=None)
Json = Any


class Stream(Protocol):
    """What tells events; `next` is None at its end, and `last` the last id that it told."""

    last: str

    async def next(self) -> Json | None: ...


@dataclass
class ServerSent:
    """Server-Sent Events, read as a browser reads them."""

    content: aiohttp.StreamReader
    last: str = ""
    beats: int = 0
    names: list[str] = field(default_factory=list)

    async def block(self) -> dict[str, str] | None:
        """The fields up to the next empty line; None at the end."""
        fields: dict[str, str] = {}
        while line := await self.content.readline():
            name, _, value = line.decode().removesuffix("\n").partition(":")
            if line == b"\n":
                self.last = fields.get("id", self.last)
                return fields
            if name:
                fields[name] = value.removeprefix(" ")
        return None

    async def next(self) -> Json | None:
        while (block := await self.block()) is not None:
            if "data" in block:
                self.names.append(block["event"])
                return json.loads(block["data"])
            self.beats += 1
        return None


@dataclass
class Socket:
    """Messages over a WebSocket."""

    socket: aiohttp.ClientWebSocketResponse
    last: str = ""
    ended: int | None = None

    async def next(self) -> Json | None:
        message = await self.socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            self.ended = message.data
            return None
        told = json.loads(message.data)
        self.last = told.get("event_id", self.last)
        return told


@asynccontextmanager
async def server_sent(server: Server, query: str = "", **headers: str) -> AsyncIterator[ServerSent]:
    """Follow `/events/stream`; from now on, what happens is told."""
    async with server.session.get(
        f"{server.base}/events/stream{query}", headers=headers, timeout=PATIENT
    ) as reply:
        assert reply.status == 200, await reply.text()
        assert reply.content_type == "text/event-stream"
        stream = ServerSent(reply.content)
        await stream.block()
        yield stream


@asynccontextmanager
async def socket(server: Server, query: str = "", **headers: str) -> AsyncIterator[Socket]:
    """Follow `/events/ws` in the same way."""
    async with server.session.ws_connect(
        f"{server.base}/events/ws{query}", headers=headers, autoclose=False
    ) as opened:
        yield Socket(opened)


Following = Callable[..., AbstractAsyncContextManager[Any]]


async def told(stream: Stream, number: int) -> list[Json]:
    """The next events; fails where they do not come."""
    found = []
    async with asyncio.timeout(DEADLINE_S):
        for _ in range(number):
            one = await stream.next()
            assert one is not None, f"it ended after {len(found)}"
            found.append(one)
    return found


async def rest(stream: Stream) -> list[Json]:
    """What comes until the end."""
    found = []
    async with asyncio.timeout(DEADLINE_S):
        while (one := await stream.next()) is not None:
            found.append(one)
    return found


def types(events: list[Json]) -> list[str]:
    return [one["event_type"] for one in events]
