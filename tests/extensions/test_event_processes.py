"""Streams of server processes: of several at one catalogue, of one that ends, or is killed."""

from __future__ import annotations

import asyncio
import signal
import socket as sockets
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import pytest

from tams.conformance.server import Server
from tests.durability.process import DEADLINE_S, ServerProcess
from tests.streams import rest, server_sent, socket, told

SETTINGS = {"worker_interval": "0.2"}
HANDSHAKE = (
    "GET /events/ws HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket",
    "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", "",
)  # fmt: skip


@pytest.fixture(params=[server_sent, socket], ids=["server-sent", "socket"])
def following(request):
    """Each way of following events."""
    return request.param


@asynccontextmanager
async def started(folder, catalogue, **settings):
    """A server process; it is killed at the end."""
    folder.mkdir(exist_ok=True)
    process = await asyncio.to_thread(ServerProcess, folder, catalogue, **{**SETTINGS, **settings})
    try:
        async with aiohttp.ClientSession() as session:
            yield process, Server(process.url, session)
    finally:
        await asyncio.to_thread(process.kill)


async def labelled(server, *labels):
    """A new Flow that gets these labels one after the other; gives its path."""
    path = f"/flows/{(await server.flow())['id']}"
    await relabel(server, path, *labels)
    return path


async def relabel(server, path, *labels):
    for label in labels:
        await server.set(f"{path}/label", label)


def labels_of(found):
    return [one["event"]["flow"]["label"] for one in found]


@pytest.mark.parametrize(
    ("following", "writer_works"),
    [(server_sent, "true"), (socket, "false")],
    indirect=["following"],
)
async def test_what_another_process_writes_is_told_too(
    tmp_path, catalogue_url, following, writer_works
):
    """Also where none of them does background work, which gives events their numbers."""
    async with (
        started(tmp_path / "one", catalogue_url, background=writer_works) as (_, one),
        started(tmp_path / "two", catalogue_url, background="false") as (_, two),
        following(two, "?types=flows/updated") as stream,
    ):
        path = await labelled(one, *"abc")
        assert labels_of(await told(stream, 3)) == list("abc")
        await relabel(two, path, "d")
        await relabel(one, path, "e")
        assert labels_of(await told(stream, 2)) == ["d", "e"]


async def test_a_server_that_is_killed_makes_its_clients_miss_nothing(tmp_path, catalogue_url):
    """They go on at its successor, each where it was: nothing is lost, nothing told twice."""
    acknowledged, seen, path, known = [], [], None, "0"
    for round_ in range(2):
        async with started(tmp_path, catalogue_url) as (_, server):
            path = path or await labelled(server)
            asked = f"?types=flows/updated&last_event_id={known}"
            async with server_sent(server, asked) as stream:
                for at in range(10):
                    await relabel(server, path, label := f"{round_}-{at}")
                    acknowledged.append(label)
                found = await told(stream, 5)
            seen += labels_of(found)
            known = found[-1]["event_id"]
    async with (
        started(tmp_path, catalogue_url) as (_, server),
        server_sent(server, f"?types=flows/updated&last_event_id={known}") as stream,
    ):
        seen += labels_of(await told(stream, len(acknowledged) - len(seen)))
        await relabel(server, path, "last")
        seen += labels_of(await told(stream, 1))
    assert seen == [*acknowledged, "last"]


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_server_that_ends_ends_its_streams_first(tmp_path, sqlite_url, workers):
    async with started(tmp_path, sqlite_url, workers=workers) as (process, server):
        async with AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(server_sent(server)) for _ in range(3)]
            opened = [await stack.enter_async_context(socket(server)) for _ in range(3)]
            process.signal(signal.SIGTERM)
            assert [await rest(stream) for stream in (*streams, *opened)] == [[]] * 6
            assert {each.ended for each in opened} == {1012}
        assert await asyncio.to_thread(process.wait) == 0
    assert "exceeded" not in process.said
    assert "Traceback" not in process.said


async def test_a_client_that_goes_leaves_nothing(tmp_path, sqlite_url, following):
    async with started(tmp_path, sqlite_url, max_connections="4") as (process, server):
        for _ in range(20):  # each has a connection of its own
            async with aiohttp.ClientSession() as session, asyncio.timeout(DEADLINE_S):
                while True:  # until the server has noticed that the one before has gone
                    try:
                        async with following(Server(server.base, session)):
                            break
                    except (AssertionError, aiohttp.ClientError):
                        continue
        assert await asyncio.to_thread(process.stop) == 0
    assert "Traceback" not in process.said


def connected(url, receives=None):
    at = urlsplit(url)
    one = sockets.socket()
    one.settimeout(DEADLINE_S)
    if receives is not None:
        one.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, receives)
    one.connect((at.hostname, at.port))
    one.sendall("\r\n".join(HANDSHAKE).encode())
    return one


async def test_more_sockets_than_a_process_holds_are_told_to_come_back(tmp_path, sqlite_url):
    async with started(tmp_path, sqlite_url, max_connections="2") as (_, server):
        with ExitStack() as stack:
            first, second, third = [stack.enter_context(connected(server.base)) for _ in range(3)]
            for one in (first, second):
                assert one.recv(1 << 16).startswith(b"HTTP/1.1 101 ")
            refusal = third.recv(1 << 16)
            assert refusal.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 1" in refusal.lower()


async def test_a_socket_whose_client_takes_nothing_is_dropped(tmp_path, sqlite_url):
    """The others meanwhile are told everything."""
    async with started(tmp_path, sqlite_url, client_timeout="0.6") as (_, server):
        with connected(server.base, receives=4096) as one:
            assert one.recv(12) == b"HTTP/1.1 101"
            path = await labelled(server)
            async with (
                asyncio.timeout(DEADLINE_S),
                socket(server, "?types=flows/updated") as stream,
            ):
                description, number = "x" * 200_000, 0
                while True:
                    await server.set(f"{path}/description", f"{number}{description}")
                    await told(stream, 1)
                    number += 1
                    state = one.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_INFO, 1)[0]
                    if state != 1:  # established no more
                        break
