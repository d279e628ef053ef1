"""What a client has taken of what it was sent, as far as this machine knows."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import termios
from fcntl import ioctl

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
