"""A proxy in front of the application that spoils one thing: what makes of ours a wrong server."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True)
class Request:
    """A request as the proxy hands it on; `path` is undecoded."""

    method: str
    path: str
    query: str
    body: bytes

    @property
    def operation(self) -> str:
        """Method and path, what faults are chosen by."""
        return f"{self.method} {self.path}"

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Reply:
    """An answer as the proxy hands it back; header names are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    def with_json(self, value: Any) -> Reply:
        """The same with another body; itself if that says nothing new."""
        return self if value == self.json else replace(self, body=json.dumps(value).encode())


Ask = Callable[[Request], Request | Reply]
"""Spoils a request, or answers it without asking the server."""

Answer = Callable[[Request, Reply], Reply]
"""Spoils an answer."""


@dataclass(frozen=True)
class Fault:
    """One thing that a wrong server does; `aimed` at the checks whose preparations it breaks."""

    name: str
    ask: Ask = lambda request: request
    answer: Answer = lambda _, reply: reply
    aimed: frozenset[int] = field(default_factory=frozenset)

    def at(self, *numbers: int) -> Fault:
        """The same, for the checks of these statements alone."""
        return replace(self, aimed=frozenset(numbers))

    def touches(self, exchange: tuple[Request, Reply]) -> bool:
        """Whether this exchange would have gone another way."""
        request, reply = exchange
        return self.ask(request) != request or self.answer(request, reply) != reply


NONE = Fault("none")


class Proxy:
    """The application with the `fault` of the moment; `exchanges` are those since `begin`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.begin(NONE)

    def begin(self, fault: Fault) -> None:
        """From now on be wrong in this way."""
        self.fault = fault
        self.exchanges: list[tuple[Request, Reply]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(
            scope["method"],
            scope["raw_path"].decode(),
            scope["query_string"].decode(),
            await _body(receive),
        )
        asked = self.fault.ask(request)
        reply = asked if isinstance(asked, Reply) else await self._forward(scope, asked, receive)
        reply = self.fault.answer(request, reply)
        self.exchanges.append((request, reply))
        await _send(reply, send)

    async def _forward(self, scope: Scope, request: Request, disconnected: Receive) -> Reply:
        messages: list[Message] = []
        waiting = [{"type": "http.request", "body": request.body, "more_body": False}]

        async def receive() -> Message:
            return waiting.pop() if waiting else await disconnected()

        async def send(message: Message) -> None:
            messages.append(message)

        asked = scope | {
            "method": request.method,
            "path": unquote(request.path),
            "raw_path": request.path.encode(),
            "query_string": request.query.encode(),
            "headers": _with_length(scope["headers"], len(request.body)),
        }
        await self._app(asked, receive, send)
        start, *rest = messages
        headers = [(name.decode().lower(), value.decode()) for name, value in start["headers"]]
        body = b"".join(message.get("body", b"") for message in rest)
        return Reply(start["status"], tuple(headers), body)


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _with_length(headers: list[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name != b"content-length"]
    return [*kept, (b"content-length", str(length).encode())] if length else kept


async def _send(reply: Reply, send: Send) -> None:
    has_body = reply.status not in (204, 304)
    headers = [pair for pair in reply.headers if pair[0] != "content-length"]
    if has_body:
        headers.append(("content-length", str(len(reply.body))))
    raw = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": reply.body if has_body else b""})
