"""Clients that connect and do not go on, and more of them than a process may hold."""

from __future__ import annotations

import asyncio
import resource
import select
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from starlette.types import ASGIApp as ASGIApplication
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from tams.cli.connections import affordable, connections
from tests.durability.client import Client, PatientClient
from tests.durability.flow import allocate, make_flow
from tests.durability.process import DEADLINE_S, TAMS, server_process

PATIENCE_S = 0.6
SIZE = 16 << 20
PIECE = 1 << 20
MOST_OF_HEAD = 1 << 16
HEAD = b"GET /service HTTP/1.1\r\nHost: x\r\n\r\n"
RESTARTED = pytest.mark.parametrize("asked_before", [False, True], ids=["at once", "after one"])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that waits for its clients for a moment."""
    with server_process(
        tmp_path_factory.mktemp("server"), "", client_timeout=str(PATIENCE_S), keep_alive="1"
    ) as server:
        yield server.url


@pytest.fixture(scope="module")
def media(url: str) -> dict[str, str]:
    """How to put, and to get, an Object that is larger than what the kernel keeps of an answer."""
    with Client(url) as client:
        flow_id = make_flow(client)
        [allocated] = allocate(client, flow_id, 1)
        put = allocated["put_url"]
        assert client.upload(put, [bytes(SIZE)], SIZE).status == 200
        segment = {"object_id": allocated["object_id"], "timerange": "[0:0_1:0)"}
        assert client.ask("POST", f"/flows/{flow_id}/segments", segment).status == 201
        [listed] = client.ask("GET", f"/flows/{flow_id}/segments").json
        return {"PUT": put["url"], "GET": listed["get_urls"][0]["url"]}


def connected(url: str, *, receives: int | None = None) -> socket.socket:
    """Connect; with `receives`, this machine takes no more bytes of an answer than about that."""
    at = urlsplit(url)
    one = socket.socket()
    one.settimeout(DEADLINE_S)
    if receives is not None:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
    one.connect((at.hostname, at.port))
    return one


def asked(one: socket.socket) -> HTTPResponse:
    """Send a request, and read the whole answer."""
    one.sendall(HEAD)
    answer = HTTPResponse(one)
    answer.begin()
    answer.read()
    return answer


def head(method: str, url: str, *headers: str) -> bytes:
    at = urlsplit(url)
    lines = [f"{method} {at.path}?{at.query} HTTP/1.1", "Host: x", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def all_of(one: socket.socket) -> bytes:
    """What comes until its end."""
    parts = []
    try:
        while part := one.recv(1 << 20):
            parts.append(part)
    except ConnectionResetError:  # whoever still sends may meet this
        pass
    return b"".join(parts)


@RESTARTED
def test_a_client_that_sends_nothing_is_let_go(url: str, asked_before: bool) -> None:
    with connected(url) as one:
        if asked_before:
            assert asked(one).status == 200
        assert all_of(one) == b""


@RESTARTED
def test_a_head_that_comes_byte_by_byte_is_given_up(url: str, asked_before: bool) -> None:
    with connected(url) as one:
        if asked_before:
            assert asked(one).status == 200
        one.sendall(HEAD[:-2] + b"X-Slow: ")
        for _ in range(1000):
            one.sendall(b"x")
            if select.select([one], [], [], PATIENCE_S / 10)[0]:
                break
        answer = all_of(one)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b'"type": "TooSlow"' in answer


@RESTARTED
def test_a_head_that_does_not_end_is_refused(url: str, asked_before: bool) -> None:
    with connected(url) as one:
        if asked_before:
            assert asked(one).status == 200
        one.sendall((HEAD[:-2] + b"X-Long: ").ljust(MOST_OF_HEAD, b"x"))
        assert not select.select([one], [], [], 0)[0]
        one.sendall(b"x")
        answer = all_of(one)
    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b"at most 65536 bytes" in answer


def test_long_heads_one_after_the_other_are_read(url: str) -> None:
    with connected(url) as one:
        for _ in range(3):
            one.sendall((HEAD[:-2] + b"X-Long: ").ljust(MOST_OF_HEAD - 4, b"x"))
            one.sendall(b"\r\n\r\n")
            answer = HTTPResponse(one)
            answer.begin()
            answer.read()
            assert answer.status == 200


@pytest.mark.parametrize("path", ["/openapi.json", "media"])
def test_a_client_that_reads_nothing_is_let_go(url: str, media: dict[str, str], path: str) -> None:
    wanted = media["GET"] if path == "media" else f"{url}{path}"
    with connected(url, receives=4096) as one:
        one.sendall(head("GET", wanted) * 200)  # more answers than the kernel takes off the server
        ended = select.poll()
        ended.register(one, 0)
        assert ended.poll(DEADLINE_S * 1000)


class Ahead:
    """A clock of the loop that a test puts on; what is due by then is done at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self._seconds, real = 0.0, loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + self._seconds)

    async def by(self, seconds: float) -> None:
        self._seconds += seconds
        for _ in range(5):
            await asyncio.sleep(0)


@asynccontextmanager
async def serving(application: ASGIApplication) -> AsyncIterator[socket.socket]:
    """A client of a server in this process, which waits for it for 60 seconds of the loop's."""
    loop = asyncio.get_running_loop()
    config = uvicorn.Config(application, http=connections(60.0, 10), ws="none", lifespan="off")
    config.load()
    state = ServerState()
    server = await loop.create_server(
        lambda: config.http_protocol_class(config=config, server_state=state, app_state={}),
        "127.0.0.1",
        0,
    )
    host, port = server.sockets[0].getsockname()
    async with server:
        with connected(f"http://{host}:{port}", receives=PIECE // 4) as client:
            client.setblocking(False)
            yield client
            await asyncio.gather(*state.tasks, return_exceptions=True)


async def all_left(client: socket.socket) -> None:
    while await asyncio.get_running_loop().sock_recv(client, PIECE):
        pass


async def test_an_answer_that_is_read_may_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole takes many times as long as a client may do nothing."""

    async def answer(_: Scope, __: Receive, send: Send) -> None:
        length = [(b"content-length", b"%d" % SIZE)]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": bytes(SIZE)})

    loop, ahead = asyncio.get_running_loop(), Ahead(monkeypatch)
    async with serving(answer) as client, asyncio.timeout(600 + DEADLINE_S):
        await loop.sock_sendall(client, HEAD)
        for _ in range(10):
            left = PIECE  # so much that the server has to send more
            while left > 0:
                left -= len(await loop.sock_recv(client, left))
            await ahead.by(30)
        await ahead.by(70)
        with pytest.raises(ConnectionResetError):
            await all_left(client)


async def test_a_body_that_comes_in_pieces_may_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """For how long it may stop, the application decides."""

    async def answer(_: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["more_body"]:
            pass
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    loop, ahead = asyncio.get_running_loop(), Ahead(monkeypatch)
    async with serving(answer) as client, asyncio.timeout(700 + DEADLINE_S):
        await loop.sock_sendall(client, b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
        for _ in range(10):
            await ahead.by(70)
            await loop.sock_sendall(client, b"x")
        assert (await loop.sock_recv(client, PIECE)).startswith(b"HTTP/1.1 204 ")


def test_more_connections_than_a_process_holds_are_told_to_come_back(tmp_path: Path) -> None:
    with server_process(tmp_path, "", max_connections="2") as server, ExitStack() as stack:
        first, second, third = [stack.enter_context(connected(server.url)) for _ in range(3)]
        assert asked(first).status == 200
        refused = asked(third)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert all_of(third) == b""
        silent = stack.enter_context(connected(server.url))
        many = [stack.enter_context(connected(server.url)) for _ in range(4)]
        for one in (*many, silent):
            assert all_of(one) == b""
        assert asked(first).status == 200
        assert asked(second).status == 200
        first.close()
        with PatientClient(server.url) as later:
            assert later.ask("GET", "/service").status == 200


def test_there_are_no_more_connections_than_file_descriptors_for_them(tmp_path: Path) -> None:
    few = ("sh", "-c", 'ulimit -n 64; exec "$0" "$@"', *TAMS)
    with server_process(tmp_path, "", few) as server, ExitStack() as stack:
        open_now = [stack.enter_context(connected(server.url)) for _ in range(16)]
        assert [asked(one).status for one in open_now] == [200] * 16
        with connected(server.url) as refused:
            assert asked(refused).status == 503
        more = [stack.enter_context(connected(server.url)) for _ in range(100)]
        assert [all_of(one) for one in more] == [b""] * 100
        assert asked(open_now[0]).status == 200
        stack.close()
        with PatientClient(server.url) as later:
            assert later.ask("GET", "/flows").status == 200


def test_file_descriptors_are_asked_for_as_they_are_needed() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        assert affordable(16) == 16
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (64, hard)
        assert affordable(300) == 300
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (1200, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
