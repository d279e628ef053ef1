"""A check that cannot fail proves nothing: none may pass where every answer is a refusal."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from tams.conformance.server import Server
from tams.conformance.statements import Check
from tams.conformance.suite import CHECKS


@pytest.fixture
async def broken() -> AsyncIterator[Server]:
    async def refuse(request: web.BaseRequest) -> web.Response:
        return web.json_response({}, status=500)

    async def pass_time(seconds: float) -> None:
        pass

    async with RawTestServer(refuse) as server, aiohttp.ClientSession() as session:
        yield Server(str(server.make_url("")).rstrip("/"), session, wait=pass_time)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
async def test_no_check_passes_on_a_broken_server(broken: Server, check: Check) -> None:
    with pytest.raises(AssertionError, match="500 came"):
        await check.run(broken)
