"""WebSockets, which are given up where their client takes nothing of what it is sent."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from tams.cli.clients import Look, Watch, bytes_taken, bytes_unread, drop


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
        self._watch = Watch(self.loop, self._patience, self._look, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        self._watch.end()
        super().connection_lost(exc)

    def _look(self) -> Look:
        unread = bytes_unread(self.transport)
        return Look((unread, bytes_taken(self.transport)), unread > 0)

    def _give_up(self) -> None:
        drop(self.transport)
