"""What lasts longer than an answer: streams, which the server's end must not wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from socket import socket
from typing import Any, Literal, cast

import uvicorn
from fastapi import FastAPI
from starlette.routing import WebSocketRoute


class Draining(uvicorn.Server):
    """Tells streams to end, with `end_streams`, once nobody can come any more."""

    def __init__(self, config: uvicorn.Config, end_streams: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_streams = end_streams

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Finish what is under way."""
        # They end when this first waits, and by then it listens no more.
        self._end_streams()
        await super().shutdown(sockets)


def sockets(app: FastAPI, patience: float) -> type[asyncio.Protocol] | Literal["none"]:
    """What makes WebSockets, if there are any; its code is loaded with the first.

    `patience` is how many seconds a client has to take something of what it is sent.
    """
    if not any(isinstance(route, WebSocketRoute) for route in app.routes):
        return "none"

    def make(**given: Any) -> asyncio.Protocol:  # noqa: ANN401 - uvicorn's
        from tams.cli.sockets import Socket

        return Socket(**given, patience=patience)

    return cast("type[asyncio.Protocol]", make)
