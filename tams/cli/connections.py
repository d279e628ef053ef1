"""Connections to clients: how long each waits for its client, and how many there are."""

from __future__ import annotations

import asyncio
import resource

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from tams.api.errors import error_response
from tams.cli.clients import Look, Watch, bytes_taken, bytes_unread, drop
from tams.cli.lending import LendingProtocol
from tams.errors import Busy, TooLarge, TooSlow

_MOST_OF_HEAD = 1 << 16
"""Bytes of a request's head after which no more of it is waited for."""
_REFUSAL_S = 1.0
"""Seconds that a client has to ask, and to read, where it is told to come back."""


class Connection(LendingProtocol):
    """A connection to a client that may take long, but goes on.

    Within `patience` seconds after it connected, or after a request began, its head must be
    complete, and it has no more than 64 KiB; and of an answer, something must be read in each such
    time. Between two requests uvicorn waits as it is told to keep connections alive. More
    connections than `most` are told to come back (503), and many more are dropped.
    """

    patience: float
    most: int

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        """Begin to look at it."""
        super().connection_made(transport)
        excess = len(self.connections) - self.most
        if excess > 0:
            self.app = _refuse
            self.patience = min(self.patience, _REFUSAL_S)
        self._part_of_head = 0
        self._watch = Watch(self.loop, self.patience, self._look, self._give_up)
        if excess > self.most // 8 + 1:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take it, and refuse a head that does not end."""
        super().data_received(data)
        self._part_of_head = self._part_of_head + len(data) if self._has_part_of_head() else 0
        if self._part_of_head > _MOST_OF_HEAD and not self.transport.is_closing():
            self.transport.write(_whole(_too_large()))
            self.transport.close()

    def handle_websocket_upgrade(self) -> None:
        """Let another protocol go on with it, unless there are too many connections."""
        self._part_of_head = 0
        if self.app is _refuse:
            self.transport.write(_whole(_too_many()))
            self.transport.close()
            return
        self._watch.end()
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        self._watch.end()
        super().connection_lost(exc)

    def _look(self) -> Look:
        unread = bytes_unread(self.transport)
        state = (self.cycle, unread, bytes_taken(self.transport))
        return Look(state, bool(unread) or self._waits_for_head())

    def _waits_for_head(self) -> bool:
        return self.cycle is None or self._has_part_of_head()

    def _has_part_of_head(self) -> bool:
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    def _give_up(self) -> None:
        if bytes_unread(self.transport):
            drop(self.transport)
        elif self._has_part_of_head():
            self.transport.write(_whole(_too_slow(self.patience)))
        self.transport.close()


def connections(patience: float, most: int) -> type[Connection]:
    """Connections of a process; `patience` and `most` as `Connection` has them."""

    class Bounded(Connection):
        pass

    Bounded.patience = patience
    Bounded.most = most
    return Bounded


def affordable(most: int) -> int:
    """For how many of so many connections there are file descriptors; more are asked for first.

    Three are for each: its own, and while it reads media the file's and another of its own; a
    quarter of all is for the rest of the process.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most * 4
    if soft < wanted:
        soft = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, min(most, soft // 4))


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await _too_many()(scope, receive, send)


def _too_many() -> Response:
    told = "the server has as many connections as it may; come back"
    headers = {"Retry-After": "1", "Connection": "close"}
    return error_response(503, Busy.__name__, told, headers)


def _too_slow(patience: float) -> Response:
    told = f"the head of the request: it was not complete within {patience:g} s; send it again"
    return error_response(408, TooSlow.__name__, told, {"Connection": "close"})


def _too_large() -> Response:
    told = f"the head of the request: it must be at most {_MOST_OF_HEAD} bytes"
    return error_response(431, TooLarge.__name__, told, {"Connection": "close"})


def _whole(response: Response) -> bytes:
    lines = [b"%s: %s\r\n" % header for header in response.raw_headers]
    return b"".join([STATUS_LINE[response.status_code], *lines, b"\r\n", response.body])
