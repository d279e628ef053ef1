"""Requests and answers as a version of the API has them, around those of the present one."""

from __future__ import annotations

from pydantic_core import from_json, to_json
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tams.api.bodies import read_body
from tams.api.errors import refusal, unknown_path
from tams.api.query import Query
from tams.domain.timerange import TimeRange
from tams.errors import TamsError
from tams.wire.version_steps import Change, Json
from tams.wire.versions import Version, template

VERSION = "version"
"""Under this name the routes find the version in a request's state."""


class Translation:
    """An application that hears and says what `version` has; paths that came later are not there.

    An answer that is the same in both goes through as it comes, and so does a body that is no JSON.
    """

    def __init__(self, app: ASGIApp, version: Version) -> None:
        self._app = app
        self._version = version

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and its answer back, both translated."""
        if scope["type"] == "websocket":  # no version has any: the routes refuse it
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if self._version.lacks(path):
            await unknown_path(path)(scope, receive, send)
            return
        try:
            scope, receive = await self._asked(scope, receive)
            change = self._answer(scope)
        except TamsError as error:
            await refusal(error, path)(scope, receive, send)
            return
        if change is not None:
            send = _Translated(change, scope, receive, send).add
        await self._app(scope, receive, send)

    async def _asked(self, scope: Scope, receive: Receive) -> tuple[Scope, Receive]:
        state = {**scope.get("state", {}), VERSION: self._version}
        query = self._version.query(scope["query_string"].decode("latin-1")).encode("latin-1")
        scope = {**scope, "state": state, "query_string": query}
        change = self._version.request(scope["method"], scope["path"])
        if change is None:
            return scope, receive
        body = _changed(await read_body(Request(scope, receive)), change)
        headers = MutableHeaders(raw=[*scope["headers"]])
        headers["content-length"] = str(len(body))
        return {**scope, "headers": headers.raw}, _again(body, receive)

    def _answer(self, scope: Scope) -> Change | None:
        method, path = scope["method"], scope["path"]
        change = self._version.answer(method, path)
        if change is None or (method, template(path)) != ("GET", "/flows/{}"):
            return change
        asked = Query(scope["query_string"]).timerange("timerange")
        return change if asked is None else self._clipping(change, asked)

    def _clipping(self, change: Change, asked: TimeRange) -> Change:
        return lambda document: self._version.clipped(change(document), asked)


class _Translated:
    """Takes an answer to its end and sends what `change` makes of it; refusals go through."""

    def __init__(self, change: Change, scope: Scope, receive: Receive, send: Send) -> None:
        self._change = change
        self._scope = scope
        self._receive = receive
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def add(self, message: Message) -> None:
        """Take one message of the answer."""
        if message["type"] == "http.response.start" and message["status"] // 100 == 2:
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        body = self._body
        try:
            if body:
                body = to_json(self._change(from_json(body)))
        except TamsError as error:
            answer = refusal(error, self._scope["path"])
            await answer(self._scope, self._receive, self._send)
            return
        headers = MutableHeaders(raw=[*start["headers"]])
        if "content-length" in headers:
            headers["content-length"] = str(len(body))
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def _changed(body: bytes, change: Change) -> bytes:
    try:
        document: Json = from_json(body, allow_inf_nan=False)
    except ValueError:
        return body  # for the present version to refuse
    return to_json(change(document))


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives a body that was read once more, and then what comes behind it."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
