"""A receiver of webhooks: an HTTP server of our own that the server under test can reach."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from multidict import CIMultiDictProxy
from yarl import URL

from tams.errors import Invalid, TamsError


@dataclass(frozen=True)
class Delivery:
    """One request that came in."""

    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The body read as JSON."""
        event: dict[str, Any] = json.loads(self.body)
        return event


@dataclass
class Inbox:
    """One address of the receiver: what came there, and how it is answered."""

    url: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)


class Receiver:
    """Addresses below `base`, a new one for each webhook that a check makes."""

    def __init__(self, base: str) -> None:
        self.base = base.rstrip("/")
        self._inboxes: dict[str, Inbox] = {}

    def inbox(self) -> Inbox:
        """Return a new address at which nothing has arrived."""
        url = f"{self.base}/{len(self._inboxes)}"
        self._inboxes[URL(url).path] = inbox = Inbox(url)
        return inbox

    async def take(self, request: web.BaseRequest) -> web.Response:
        """Keep a request and answer as its inbox says; an unknown address is a 404."""
        inbox = self._inboxes.get(request.path)
        if inbox is None:
            return web.Response(status=404)
        inbox.deliveries.append(Delivery(request.headers, await request.read()))
        return web.Response(status=inbox.status, headers=inbox.headers)


def _address(url: str) -> URL:
    try:
        address = URL(url)
    except ValueError:
        address = URL()
    if address.scheme != "http" or not address.host:
        raise Invalid("--receiver", url, "it must be http://HOST:PORT of this machine")
    return address


@asynccontextmanager
async def receiving(url: str) -> AsyncIterator[Receiver]:
    """Listen at the host and port of `url` (port 0: a free one), or raise `TamsError`."""
    base = _address(url)
    # asyncio sends small answers at once only where the socket names its protocol.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((base.host or "", base.port or 0))
    except OSError as error:
        listener.close()
        raise TamsError(f"cannot listen for webhooks at {url}: {error.strerror}") from None
    receiver = Receiver(str(base.with_port(listener.getsockname()[1])))
    runner = web.ServerRunner(web.Server(receiver.take))
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        yield receiver
    finally:
        await runner.cleanup()
