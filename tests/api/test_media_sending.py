"""How bytes reach a client over `/media`: large, to slow readers, and no longer wanted."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from starlette.types import Message
from structlog.testing import capture_logs

from tams.api.media import ObjectResponse, Span
from tams.services.media import ReadableObject
from tests.api.media_store import LARGE, Store
from tests.media_server import BACKEND, KEY, MAX_SIZE, serving


async def test_large_bytes_arrive_whole(store: Store) -> None:
    content = bytes(range(251)) * 12_000
    await store.put(content)
    assert await store.get() == (200, content)
    assert await store.get(Range="bytes=1048570-2097160") == (206, content[1048570:2097161])


async def test_a_reader_who_leaves_lets_go_of_the_file(store: Store) -> None:
    await store.put(b"x" * MAX_SIZE)
    for _ in range(5):
        answer = await store.client.get(store.get_url())
        await answer.content.readany()
        answer.close()
    await store.until(lambda: store.open_files() == [])


async def test_a_server_that_lends_no_socket_sends_the_same(store: Store) -> None:
    content = bytes(range(251)) * 12_000
    await store.put(content)
    async with serving({BACKEND.id: store.storage}, "h11") as base_url:
        url = store.storage.sign_gets(base_url)(KEY)
        assert await store.get(url) == (200, content)
        assert await store.get(url, Range="bytes=7-2097160") == (206, content[7:2097161])


async def test_answers_follow_each_other_on_a_connection(store: Store) -> None:
    """Large, small and of a server's own, asked for before the first is read."""
    content = bytes(range(251)) * 12_000
    await store.put(content)
    url = urlsplit(store.get_url())
    assert url.port is not None
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    asked = [(0, 3_011_999), (5, 8), (1, 2_000_000), (2, 3_000_000), (9_999_999, "")]
    for first, last in asked:
        head = f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: x\r\nRange: bytes={first}-{last}"
        writer.write(f"{head}\r\n\r\n".encode())
    for first, last in asked[:-1]:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 206 ")
        body = content[first : int(last) + 1]
        assert await reader.readexactly(len(body)) == body
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 416 ")
    writer.close()
    await writer.wait_closed()


@asynccontextmanager
async def slow_reader(store: Store) -> AsyncIterator[asyncio.StreamReader]:
    """A client who has read the head of an answer that fills every buffer on its way."""
    url = urlsplit(store.get_url())
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, (url.hostname, url.port))
    reader, writer = await asyncio.open_connection(sock=connection)
    writer.write(f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert f"content-length: {LARGE}".encode() in await reader.readuntil(b"\r\n\r\n")
    yield reader
    writer.close()
    await writer.wait_closed()


async def test_a_file_that_is_cut_short_ends_the_connection(store: Store) -> None:
    path = store.make_large()
    # A log that nobody set up draws each frame with its variables, which takes seconds.
    with capture_logs() as told:
        async with slow_reader(store) as reader, asyncio.timeout(20):
            os.truncate(path, LARGE - 1)
            assert len(await reader.read()) == LARGE - 1
        await store.until(lambda: store.open_files() == [])
    assert [line["event"] for line in told] == ["unexpected error"]


async def test_a_slow_reader_who_leaves_leaves_nothing_behind(store: Store) -> None:
    path = store.make_large()
    async with slow_reader(store) as reader:
        await reader.readexactly(1 << 20)
        assert store.open_files() == [path]
    await store.until(lambda: store.open_files() == [])
    assert not [task for task in asyncio.all_tasks() if "run_asgi" in repr(task)]


async def test_an_answer_that_never_begins_lets_go_of_the_file(store: Store) -> None:
    await store.put()
    opened = await store.storage.opened(KEY)
    assert opened is not None
    answer = ObjectResponse(ReadableObject(store.storage, opened), Span(0, 9), 200, {})

    async def gone(message: object) -> None:
        raise ConnectionError(message)

    async def wait() -> Message:
        return await asyncio.Future()

    with pytest.raises(ConnectionError):
        await answer({"type": "http", "method": "GET"}, wait, gone)
    assert store.open_files() == []
