"""Bytes of a file on their way to a client, without a copy in this process."""

from __future__ import annotations

import asyncio
import os
import select
from io import FileIO
from socket import socket
from threading import Lock
from time import monotonic

_PART = 1 << 23
_TURN_S = 0.05
"""How long one client may have a thread before it is another's turn."""
_MOMENT_MS = 2
"""How long a thread waits for a client to read; for one that takes longer, none waits."""


class Sending:
    """The bytes of a file from `start` to before `end`, for a client whose socket does not block.

    `go_on` runs in threads, one after the other. File and socket are handed over; they are let go
    of when `close` was called and no thread uses them, so that no byte goes to a client who came
    by the same descriptor.
    """

    def __init__(self, file: FileIO, client: socket, start: int, end: int) -> None:
        self._file = file
        self._client = client
        self._position = start
        self._end = end
        self._in_use = Lock()
        self._given_up = False

    def go_on(self) -> bool:
        """Send for as long as the client reads and its turn lasts; whether there is no more to do.

        A client who is gone gets no more. Raises `EOFError` where the file ends too early.
        """
        try:
            with self._in_use:
                return self._given_up or self._send()
        finally:
            if self._given_up:
                self.close()

    async def until_client_reads(self) -> None:
        """Wait until the socket takes more, or is shut."""
        loop = asyncio.get_running_loop()
        reads = asyncio.Event()
        loop.add_writer(self._client.fileno(), reads.set)
        try:
            await reads.wait()
        finally:
            loop.remove_writer(self._client.fileno())

    def close(self) -> None:
        """Let go of file and socket, or leave that to the thread that uses them."""
        self._given_up = True
        if self._in_use.acquire(blocking=False):
            try:
                self._client.close()
                self._file.close()
            finally:
                self._in_use.release()

    def _send(self) -> bool:
        client, file = self._client.fileno(), self._file.fileno()
        reads = select.poll()
        reads.register(client, select.POLLOUT)
        turn_ends = monotonic() + _TURN_S
        while self._position < self._end and monotonic() < turn_ends:
            part = min(_PART, self._end - self._position)
            try:
                sent = os.sendfile(client, file, self._position, part)
            except BlockingIOError:
                if not reads.poll(_MOMENT_MS):
                    break
                continue
            except (ConnectionError, TimeoutError):
                return True
            if not sent:
                raise EOFError
            self._position += sent
        return self._position == self._end
