"""What a client has taken of what it was sent, as far as this machine knows, and since when."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import termios
from collections.abc import Callable
from fcntl import ioctl
from typing import NamedTuple

_LOOKS = 8
"""How often a client is looked at within the time that it has."""
_ACKNOWLEDGED = slice(120, 128)
"""Where Linux's `tcp_info` has the number of bytes that were acknowledged (`tcpi_bytes_acked`)."""


def bytes_unread(transport: asyncio.Transport) -> int:
    """How many bytes the client has not taken yet."""
    descriptor = transport.get_extra_info("socket").fileno()
    try:
        queued = ioctl(descriptor, termios.TIOCOUTQ, bytes(4))
    except OSError:  # a system that does not tell
        queued = b""
    return transport.get_write_buffer_size() + int.from_bytes(queued, sys.byteorder)


def bytes_taken(transport: asyncio.Transport) -> int:
    """How many bytes it has taken in all: as many may be unread, though others, as before."""
    if sys.platform != "linux":
        return 0
    client = transport.get_extra_info("socket")
    told = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACKNOWLEDGED.stop)
    return int.from_bytes(told[_ACKNOWLEDGED], sys.byteorder)


def drop(transport: asyncio.Transport) -> None:
    """Wait no longer for it, and let the kernel keep no bytes to wait in our place."""
    client = transport.get_extra_info("socket")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class Look(NamedTuple):
    """What is seen of a client, which changes as it goes on, and whether it is waited for."""

    state: tuple[object, ...]
    is_waited_for: bool


class Watch:
    """Looks at a client now and then, so that its requests pay nothing.

    `give_up` is called where the client is waited for and nothing of its `state` has changed in
    `patience` seconds.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        patience: float,
        look: Callable[[], Look],
        give_up: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._patience = patience
        self._look = look
        self._give_up = give_up
        self._seen = look().state
        self._since = loop.time()
        self._later()

    def end(self) -> None:
        """Look no more."""
        self._next.cancel()

    def _later(self) -> None:
        self._next = self._loop.call_later(self._patience / _LOOKS, self._judge)

    def _judge(self) -> None:
        look, now = self._look(), self._loop.time()
        if look.state != self._seen or not look.is_waited_for:
            self._seen, self._since = look.state, now
        elif now - self._since >= self._patience:
            self._give_up()
        self._later()
