"""A visit leaves the server as it was, also if it is broken off; and who it shows itself as."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from tams.conformance.run import Outcome, Verdict
from tams.conformance.server import Server
from tams.conformance.statements import Check
from tams.conformance.suite import CHECKS
from tams.conformance.visit import Visit
from tams.errors import TamsError
from tests.authority import PASSWORD, guarding
from tests.serving import CheckedServer, listening, serving

SUBSCRIBING = 270


def ignore(_: object) -> None:
    pass


def one_check(run) -> tuple[Check, ...]:
    return (Check(1, "I", "A rule.", run),)


@asynccontextmanager
async def begun(visit: Visit) -> AsyncIterator[asyncio.Task[Outcome]]:
    task = asyncio.create_task(visit.make(ignore))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def store(tmp_path):
    return f"sqlite:///{tmp_path}/catalogue.sqlite"


async def test_what_a_broken_off_visit_made_is_removed(tmp_path, store):
    made = asyncio.Event()

    async def make_and_wait(server: Server) -> None:
        await server.flow()
        (await server.post("/service", {"name": "changed"})).is_status(200)
        made.set()
        await asyncio.Event().wait()

    async with serving(tmp_path, store) as server:
        (await server.post("/service", {"name": "ours"})).is_status(200)
        async with begun(Visit(server.base, one_check(make_and_wait))) as visit:
            await made.wait()
            assert len(await server.ids("/flows")) == 1
            visit.cancel()
            with pytest.raises(asyncio.CancelledError):
                await visit
        assert await server.ids("/flows") == []
        assert (await server.read("/service"))["name"] == "ours"


class Held:
    """An application that answers a PUT only when it is let go."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.came, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "PUT":
            self.came.set()
            await self.go.wait()
        await self._app(scope, receive, send)


async def test_what_was_being_made_as_the_visit_was_broken_off_is_removed(tmp_path, store):
    applications: list[Held] = []

    def held(app: ASGIApp) -> ASGIApp:
        applications.append(Held(app))
        return applications[-1]

    async def make(server: Server) -> None:
        await server.flow()

    async with serving(tmp_path, store, held) as server:
        async with begun(Visit(server.base, one_check(make))) as visit:
            await applications[0].came.wait()
            visit.cancel()
            # The visit has seen that it is to end before the server goes on.
            await asyncio.sleep(0)
            applications[0].go.set()
            with pytest.raises(asyncio.CancelledError):
                await visit
        assert await server.ids("/flows") == []
        assert await server.ids("/sources") == []


async def just_a_service(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b'{"api_version": "8.2"}'})


async def test_a_server_that_goes_amid_a_visit_takes_no_results_with_it():
    async with AsyncExitStack() as up:
        base = await up.enter_async_context(listening(just_a_service))

        async def stop(_: Server) -> None:
            await up.aclose()

        outcome = await Visit(base, one_check(stop)).make(ignore)
    assert [one.verdict for one in outcome.results] == [Verdict.PASS]
    assert outcome.left == ("the service's name",)


async def test_a_visit_broken_off_after_its_server_has_gone_is_broken_off():
    gone = asyncio.Event()
    async with AsyncExitStack() as up:
        base = await up.enter_async_context(listening(just_a_service))

        async def stop_and_wait(_: Server) -> None:
            await up.aclose()
            gone.set()
            await asyncio.Event().wait()

        async with begun(Visit(base, one_check(stop_and_wait))) as visit:
            await gone.wait()
            visit.cancel()
            with pytest.raises(asyncio.CancelledError):
                await visit


async def _subscribed(server: CheckedServer) -> Outcome:
    checks = [check for check in CHECKS if check.number == SUBSCRIBING]
    return await Visit(server.base, checks, receiver="http://127.0.0.1:0").make(ignore)


async def test_checks_are_skipped_where_the_server_must_not_reach_us(tmp_path, store):
    async with serving(tmp_path, store, webhook_allow="10.0.0.1") as server:
        (result,) = (await _subscribed(server)).results
        assert result.verdict is Verdict.SKIP
        assert "the server refuses to send webhooks to http://127.0.0.1:" in result.reason
        assert await server.ids("/service/webhooks") == []


async def test_a_server_that_refuses_all_webhooks_is_not_excused(tmp_path, store):
    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    def around(app: ASGIApp) -> ASGIApp:
        async def route(scope: Scope, receive: Receive, send: Send) -> None:
            is_post = scope.get("method") == "POST"
            await (refusing if is_post else app)(scope, receive, send)

        return route

    async with serving(tmp_path, store, around) as server:
        (result,) = (await _subscribed(server)).results
        assert (result.verdict, "400 came" in result.reason) == (Verdict.FAIL, True)


async def test_name_and_password_in_the_address_are_shown_and_told_to_nobody(tmp_path):
    checks = [check for check in CHECKS if check.number in (252, 253)]
    secret = "pass%3A%20w%C3%B6rd"
    assert PASSWORD == "pass: wörd"
    async with guarding(tmp_path) as server:
        visit = Visit(server.base.replace("://", f"://admin:{secret}@"), checks)
        outcome = await visit.make(ignore)
    assert visit.base == server.base
    assert [(one.verdict, one.reason) for one in outcome.results] == [(Verdict.PASS, "")] * 2


@pytest.mark.parametrize("url", ["127.0.0.1", "ftp://127.0.0.1", "http://[::", "http://"])
async def test_what_is_no_address_of_a_server_is_refused(url):
    with pytest.raises(TamsError, match="--url must be an address such as"):
        await Visit(url, ()).make(ignore)
