"""Clients that stop in the middle of what they send, and more of them than a process can hold."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.types import Message, Receive, Scope, Send

from tams.api.patience import Patience
from tams.errors import TooSlow
from tests.durability.client import Client, PatientClient
from tests.durability.process import server_process
from tests.serving import CheckedServer, serving

SIZE = 1 << 20


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[CheckedServer]:
    """A server that waits a moment for a body."""
    url = f"sqlite:///{tmp_path}/catalogue.sqlite"
    async with serving(tmp_path, url, client_timeout="0.3") as server:
        yield server


async def begun(url: str, part: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send the head of a large PUT, and this much of its body."""
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    head = f"PUT {at.path}?{at.query} HTTP/1.1\r\nHost: x\r\nContent-Length: {SIZE}\r\n\r\n"
    writer.write(head.encode() + part)
    await writer.drain()
    return reader, writer


async def test_a_body_that_stops_coming_is_given_up(server: CheckedServer) -> None:
    flow_id = (await server.flow())["id"]
    [allocated] = await server.allocate(flow_id)
    for url in (f"{server.base}/flows/{flow_id}", allocated["put_url"]["url"]):
        for part in (b"", bytes(100_000)):
            reader, writer = await begun(url, part)
            async with asyncio.timeout(20):
                answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 408")
            assert b'"type": "TooSlow"' in answer
            writer.close()
            await writer.wait_closed()
    assert [*(server.folder / "hot" / ".uploads").iterdir()] == []
    (await server.upload(allocated, bytes(SIZE))).is_status(200)


PIECES = 8


@pytest.mark.parametrize(("between", "is_read"), [(40.0, True), (70.0, False)])
async def test_a_body_that_flows_may_take_long(
    monkeypatch: pytest.MonkeyPatch, between: float, is_read: bool
) -> None:
    """Each piece comes in time, all of them together do not."""
    loop, real = asyncio.get_running_loop(), asyncio.get_running_loop().time
    left, ahead = PIECES, 0.0
    monkeypatch.setattr(loop, "time", lambda: real() + ahead)

    async def receive() -> Message:
        nonlocal left, ahead
        left, ahead = left - 1, ahead + between
        for _ in range(3):  # so that what is due by now is done
            await asyncio.sleep(0)
        return {"type": "http.request", "body": b"x", "more_body": left > 0}

    async def read(_: Scope, receive: Receive, __: Send) -> None:
        while (await receive())["more_body"]:
            pass

    async def send(_: Message) -> None:
        raise AssertionError("nothing is answered here")

    reading = Patience(read, 60.0)({"type": "http", "method": "PUT"}, receive, send)
    with nullcontext() if is_read else pytest.raises(TooSlow):
        await reading
    assert (left == 0) is is_read


def test_more_connections_than_file_descriptors_hold_up_nobody_for_long(tmp_path: Path) -> None:
    """Those that are open go on, and new ones come in when others go."""
    with server_process(tmp_path, f"sqlite:///{tmp_path}/catalogue.sqlite") as process:
        at = urlsplit(process.url)
        with Client(process.url) as first:
            assert first.ask("GET", "/flows").status == 200
            open_now = len([*Path(f"/proc/{process.pid}/fd").iterdir()])
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (open_now + 5, open_now + 5))
            idle = [socket.create_connection((at.hostname, at.port)) for _ in range(20)]
            assert first.ask("GET", "/flows").status == 200
            for one in idle:
                one.close()
        with PatientClient(process.url) as later:
            assert later.ask("GET", "/flows").status == 200
