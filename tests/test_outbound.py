"""Requests to URLs of clients: what the socket refuses, and how it ends where nothing answers."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from tams.domain.targets import Targets
from tams.errors import Unreachable
from tams.outbound import Outbound


@asynccontextmanager
async def answering(handler):
    """Serve on this machine; gives the port."""
    async with RawTestServer(handler) as server:
        yield server.port


@asynccontextmanager
async def outbound(allowed=""):
    opened = Outbound(Targets.parse(allowed))
    try:
        yield opened
    finally:
        await opened.close()


async def hello(request):
    return web.Response(text=f"{request.method} {request.path} {request.headers.get('X-Key')}")


async def ask(sender, url, **more):
    async with sender.request("POST", url, patience=5, **more) as answer:
        return answer.status, await answer.text()


async def test_what_is_allowed_is_reached():
    async with answering(hello) as port, outbound("127.0.0.1") as sender:
        sent = await ask(sender, f"http://127.0.0.1:{port}/a", headers={"X-Key": "k"}, body=b"x")
    assert sent == (200, "POST /a k")


async def test_a_trusted_host_is_reached_whatever_its_address():
    async with answering(hello) as port, outbound("localhost") as sender:
        assert (await ask(sender, f"http://localhost:{port}/"))[0] == 200
        with pytest.raises(Unreachable, match="public address"):
            await ask(sender, f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("name", ["0x7f000001", "0x7f.0x1"])
async def test_a_name_is_judged_by_the_address_to_which_it_leads(name):
    """These look like names, and the resolver makes 127.0.0.1 of them."""
    reached = []

    async def note(request):
        reached.append(request)
        return web.Response()

    async with answering(note) as port, outbound() as sender:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1 is not public"):
            await ask(sender, f"http://{name}:{port}/")
    assert not reached


async def test_redirects_are_not_followed():
    async def lead_on(request):
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with answering(lead_on) as port, outbound("127.0.0.1") as sender:
        assert (await ask(sender, f"http://127.0.0.1:{port}/"))[0] == 307


async def test_a_host_that_hangs_is_given_up():
    hold = asyncio.Event()

    async def hang(request):
        await hold.wait()
        return web.Response()

    async with answering(hang) as port, outbound("127.0.0.1") as sender:
        with pytest.raises(Unreachable, match="no answer in time"):
            async with sender.request("GET", f"http://127.0.0.1:{port}/", patience=0.05):
                pass
        with pytest.raises(Unreachable, match="no answer in time"):
            async with sender.request("GET", f"http://127.0.0.1:{port}/", patience=5, in_all=0.05):
                pass
        hold.set()


async def test_a_closed_port_says_so():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        async with outbound("127.0.0.1") as sender:
            with pytest.raises(Unreachable, match="ConnectionRefusedError"):
                await ask(sender, f"http://127.0.0.1:{port}/?secret=x")
