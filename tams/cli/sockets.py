"""WebSockets, which are given up where their client takes nothing of what it is sent."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from tams.cli.clients import bytes_taken, bytes_unread, drop

_LOOKS = 8
"""How often a client is looked at within the time that it has."""


class Socket(WebSocketsSansIOProtocol):
    """A WebSocket of whose messages something must be read in each `patience` seconds.

    One that is idle is asked for a sign of life by uvicorn; where none comes, it is closed, which
    would last for as long as there are bytes that nobody takes.
    """

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], patience: float
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._patience = patience

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to look at it."""
        super().connection_made(transport)
        self._seen = (0, 0)
        self._since = self.loop.time()
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        self._next_look.cancel()
        super().connection_lost(exc)

    def _look_later(self) -> None:
        self._next_look = self.loop.call_later(self._patience / _LOOKS, self._look)

    def _look(self) -> None:
        unread = bytes_unread(self.transport)
        seen = (unread, bytes_taken(self.transport))
        now = self.loop.time()
        if seen != self._seen or not unread:
            self._seen, self._since = seen, now
        elif now - self._since >= self._patience:
            drop(self.transport)
        self._look_later()
