"""A token is got for a client's id and secret, kept, and renewed once when it is refused."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import BasicAuth, web
from aiohttp.test_utils import TestServer

from tams.client import ClientCredentials, TAMSClient
from tams.errors import RequestFailed


class Guarded:
    """Gives tokens 1, 2, 3 … and takes those that are in `good`."""

    def __init__(self) -> None:
        self.given = 0
        self.good: set[str] = set()
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/token":
            pair = BasicAuth.decode(request.headers["Authorization"])
            if (pair.login, pair.password) != ("ingest", "secret"):
                return web.json_response({"error": "invalid_client"}, status=401)
            self.given += 1
            return web.json_response({"access_token": str(self.given)})
        shown = request.headers["Authorization"].removeprefix("Bearer ")
        self.asked.append(shown)
        return web.json_response({"name": "it"}, status=200 if shown in self.good else 401)


@pytest.fixture
async def guarded():
    guarded = Guarded()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", guarded.answer)
    async with TestServer(app) as server:
        guarded.url = str(server.make_url("")).rstrip("/")
        yield guarded


def client(guarded, secret="secret"):
    return TAMSClient(
        guarded.url, credentials=ClientCredentials(f"{guarded.url}/token", "ingest", secret)
    )


async def test_a_token_is_kept_and_renewed_when_it_is_refused(guarded):
    guarded.good = {"1"}
    async with client(guarded) as tams:
        await asyncio.gather(*(tams.service() for _ in range(5)))
        assert guarded.given == 1
        guarded.good = {"2"}
        await asyncio.gather(*(tams.service() for _ in range(5)))
        assert guarded.given == 2


async def test_it_is_renewed_once_only(guarded):
    async with client(guarded) as tams:
        with pytest.raises(RequestFailed) as refusal:
            await tams.service()
    assert refusal.value.status == 401
    assert guarded.asked == ["1", "2"]


async def test_a_client_that_is_not_known_is_told_so(guarded):
    async with client(guarded, "another") as tams:
        with pytest.raises(RequestFailed, match="401, invalid_client"):
            await tams.service()
    assert guarded.asked == []
