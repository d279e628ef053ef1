"""Files on their way into sockets: what is let go of, and when."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import pytest

from tams.storage.sending import Sending

SIZE = 8 << 20


class Pair:
    """A file, and both ends of a connection: the client's, and ours, which does not block."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(range(256)) * (SIZE // 256))
        self.file = FileIO(path)
        self.ours, self.client = socket.socketpair()
        self.ours.setblocking(False)

    def sending(self, start: int = 0, end: int = SIZE) -> Sending:
        return Sending(self.file, self.ours, start, end)

    def are_open(self) -> list[bool]:
        return [not self.file.closed, self.ours.fileno() >= 0]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path / "file")
    with pair.client, pair.ours, pair.file:
        yield pair


def test_only_the_part_is_sent(pair: Pair) -> None:
    sending = pair.sending(3, 300)
    assert sending.go_on()
    assert pair.client.recv(1000) == (bytes(range(256)) * 2)[3:300]
    sending.close()
    assert pair.are_open() == [False, False]


def test_a_client_who_does_not_read_holds_no_thread(pair: Pair) -> None:
    sending = pair.sending()
    assert not sending.go_on()
    assert not sending.go_on()


async def test_who_reads_late_gets_the_rest(pair: Pair) -> None:
    sending = pair.sending()
    received = 0
    while not sending.go_on():
        received += len(pair.client.recv(SIZE))
        await sending.until_client_reads()
    pair.ours.shutdown(socket.SHUT_WR)
    while part := pair.client.recv(SIZE):
        received += len(part)
    assert received == SIZE


def test_a_client_who_is_gone_gets_no_more(pair: Pair) -> None:
    pair.client.close()
    assert pair.sending().go_on()


def test_a_file_that_ends_too_early_is_told(pair: Pair) -> None:
    with pytest.raises(EOFError):
        pair.sending(SIZE - 10, SIZE + 1).go_on()


def test_what_a_thread_uses_is_closed_when_it_ends(pair: Pair) -> None:
    sending = pair.sending()
    with sending._in_use:
        sending.close()
        assert pair.are_open() == [True, True]
    assert sending.go_on()
    assert pair.are_open() == [False, False]
