"""Connections that lend their socket to an answer, whose body then needs no copy."""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import partial

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from tams.api.media import LENDING


class LendingProtocol(HttpToolsProtocol):
    """Offers the extension `LENDING` to each request."""

    _lent: socket.socket | None = None

    def on_headers_complete(self) -> None:
        """Offer it."""
        super().on_headers_complete()
        if self.cycle is not None and self.cycle.scope is self.scope:
            self.scope["extensions"] = {LENDING: {"lend": partial(self._lend, self.cycle)}}

    def on_response_complete(self) -> None:
        """Keep bytes of later answers back as before."""
        if self._lent is not None:
            self._lent = None
            self.transport.set_write_buffer_limits()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever has the socket, which would go on for as long."""
        if self._lent is not None:
            with suppress(OSError):
                self._lent.shutdown(socket.SHUT_RDWR)
        super().connection_lost(exc)

    def _lend(self, cycle: RequestResponseCycle) -> socket.socket | None:
        if cycle.disconnected or self.transport.is_closing():
            return None
        try:
            self._lent = self.transport.get_extra_info("socket").dup()
        except OSError:  # there are no descriptors left
            return None
        self.transport.set_write_buffer_limits(high=0)
        cycle.chunked_encoding = False  # so that no length is expected of what passes through it
        return self._lent
