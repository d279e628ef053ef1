"""Many clients at once, in this process: each sends its next request when the last is answered."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import uvloop

from bench.process import Process

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"


class Load(NamedTuple):
    """CPU milliseconds of the server for each request, and what it did of each second.

    For `busy` of it a CPU was used, and for `waiting` its threads waited while others had it.
    """

    cost: float
    busy: float
    waiting: float


def request(method: str, path: str, body: object = None) -> bytes:
    """A request as it goes over the wire."""
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return f"{head}\r\n".encode() + content


def together(server: Process, scripts: Sequence[Iterable[bytes]]) -> Load:
    """Send each script over a kept connection of its own, all at the same time.

    Raises `RuntimeError` unless all requests succeed.
    """
    return uvloop.run(_together(server, scripts))


async def _together(server: Process, scripts: Sequence[Iterable[bytes]]) -> Load:
    where = urlsplit(server.url)
    loop = asyncio.get_running_loop()
    clients = []
    for script in scripts:
        _, client = await loop.create_connection(
            lambda script=script: Client(iter(script)), where.hostname, where.port
        )
        clients.append(client)
    begun, used, waited = time.perf_counter(), server.cpu(), server.kept_waiting()
    for client in clients:
        client.send_next()
    await asyncio.gather(*(client.done for client in clients))
    seconds = time.perf_counter() - begun
    used, waited = server.cpu() - used, server.kept_waiting() - waited
    number = sum(client.answered for client in clients)
    return Load(used / number * 1000, used / seconds, waited / seconds)


class Client(asyncio.Protocol):
    """One kept connection; `done` once the last request is answered."""

    def __init__(self, script: Iterator[bytes]) -> None:
        self.answered = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._script = script
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send_next(self) -> None:
        """Send the next request, or end."""
        following = next(self._script, None)
        if following is not None:
            self._transport.write(following)
            return
        self._transport.close()
        self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(_HEAD_END)
        length = _LENGTH.search(head + b"\r\n")
        if not end or (length is not None and len(body) < int(length[1])):
            return
        if not head.startswith(b"HTTP/1.1 2"):
            self._fail(RuntimeError(f"{self._received[:200]!r}"))
            return
        self._received = b""
        self.answered += 1
        self.send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or RuntimeError("the server closed a connection"))

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)
