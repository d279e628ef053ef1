"""A check that cannot fail proves nothing: none may pass where every answer is the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from tams.conformance.receiver import receiving
from tams.conformance.run import Runner, Verdict
from tams.conformance.server import Json, Server
from tams.conformance.statements import Check
from tams.conformance.suite import CHECKS

HIDING = {5}
"""Statements that let a server say nothing."""


class Monotone:
    """A server whose every answer has this status and value."""

    def __init__(self, status: int, value: Json) -> None:
        self.status, self.value = status, value

    async def answer(self, request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.json_response(self.value, status=self.status)


@asynccontextmanager
async def always(status: int, value: Json) -> AsyncIterator[Server]:
    async def pass_time(_seconds: float) -> None:
        pass

    async with (
        RawTestServer(Monotone(status, value).answer) as server,
        aiohttp.ClientSession() as session,
        receiving("http://127.0.0.1:0") as receiver,
    ):
        base = str(server.make_url("")).rstrip("/")
        yield Server(base, session, wait=pass_time, receiver=receiver)


async def judge(server: Server, check: Check) -> tuple[Verdict, str]:
    return await Runner(server, lambda _: None, limit=10).judge(check, server)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
async def test_every_check_fails_on_a_broken_server(check: Check) -> None:
    async with always(500, {}) as broken:
        verdict, reason = await judge(broken, check)
    assert (verdict, "500 came" in reason) == (Verdict.FAIL, True)


@pytest.mark.parametrize("value", [{}, []], ids=str)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
async def test_no_check_passes_on_a_server_that_agrees_to_all(check: Check, value: Json) -> None:
    async with always(200, value) as agreeing:
        verdict, _ = await judge(agreeing, check)
    assert verdict is not Verdict.PASS or check.number in HIDING
