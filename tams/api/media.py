"""`/media`: the bytes of Objects, for whoever holds a signed URL; it behaves as object stores do.

No other credentials are asked for, and any that are sent are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from email.utils import format_datetime
from functools import partial
from socket import socket
from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from tams.api.deps import Services, ServicesDep
from tams.api.errors import error_response
from tams.api.query import Query
from tams.api.routing import is_head
from tams.domain.storage import MediaUrl
from tams.errors import Invalid, MediaRefused, Unsatisfiable
from tams.services.media import Readable

router = APIRouter(include_in_schema=False)

LENDING = "tams.lending"
"""The extension of a server that lends the client's socket to an answer: its `lend` gives it, to be
closed, or None if it cannot. After that it counts no byte of the body, and keeps none back."""
_SMALL = 1 << 17
_PATH = "/media/{storage_id}/{key:path}"
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.ASCII)
_SANDBOX = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
"""Uploaded bytes share an origin with the API: a page among them must not run as part of it."""
_NOT_TAKEN = {
    "content-encoding": "bytes are stored as they are sent, so it must be left out",
    "content-range": "an Object is uploaded whole, so it must be left out",
}


class Span(NamedTuple):
    """Bytes from `start` to before `end`."""

    start: int
    end: int


class ObjectResponse(StreamingResponse):
    """Sends part of an Object; lets go of it whatever happens.

    A small part that is in memory goes at once, a large one by the system itself where the server
    lends the client's socket, and in chunks elsewhere.
    """

    def __init__(self, found: Readable, span: Span, status: int, headers: dict[str, str]) -> None:
        self._chunks = found.chunks(*span)
        super().__init__(self._chunks, status, headers)
        self._found = found
        self._span = span

    @property
    def is_from_the_start(self) -> bool:
        """Whether the first byte is among them: who reads in parts asks for it once."""
        return self._span.start == 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        try:
            if (content := self._at_once()) is not None:
                await self._begin(send)
                await send({"type": "http.response.body", "body": content})
            elif (sender := self._found.sender) and (client := _borrowed(scope)) is not None:
                await self._send_by(sender(client, *self._span), send)
            else:
                async with aclosing(self._chunks):
                    await super().__call__(scope, receive, send)
        finally:
            self._found.close()

    def _at_once(self) -> bytearray | None:
        small = self._span.end - self._span.start <= _SMALL
        return self._found.read_now(*self._span) if small else None

    async def _send_by(self, sender: Callable[[], Awaitable[None]], send: Send) -> None:
        await self._begin(send)
        # Ends when the head is gone, since the server that lent the socket keeps nothing back.
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        await sender()
        await send({"type": "http.response.body", "body": b""})

    async def _begin(self, send: Send) -> None:
        head = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **head})


@router.route(_PATH, methods=["GET", "HEAD"])
async def get_media(request: Request) -> Response:
    """The bytes of an Object, whole or, by Range, in part.

    A plain route: what the framework does for the others costs as much as opening the file.
    """
    services: Services = request.app.state.services
    url = _url(**request.path_params, request=request)
    opened = await services.media.open(url)
    return object_answer(opened, request, partial(services.media.is_read, url))


def object_answer(found: Readable, request: Request, is_read: Callable[[], None]) -> Response:
    """What a GET or HEAD of bytes is answered, which are let go of then.

    `is_read` is called if they are sent from the first one on.
    """
    try:
        response = _answer(found, request)
    except Unsatisfiable:
        found.close()
        raise
    if not isinstance(response, ObjectResponse):
        found.close()
    elif response.is_from_the_start:
        is_read()
    return response


@router.put(_PATH)
async def put_media(storage_id: str, key: str, request: Request, services: ServicesDep) -> Response:
    """Store the bytes of an Object; nothing is seen of them until all are there and durable."""
    for name, rule in _NOT_TAKEN.items():
        if name in request.headers:
            raise Invalid(name, request.headers[name], rule)
    url = _url(storage_id, key, request)
    try:
        stored = await services.media.store(url, request.headers, request.stream())
    except ClientDisconnect:
        return error_response(400, "Invalid", "the body: it ended before its Content-Length")
    return Response(None, 200, {"ETag": stored.etag, **stored.checksums})


@router.api_route(_PATH, methods=["POST", "PATCH", "DELETE"])
async def refuse_media(request: Request) -> Response:
    """No URL is signed for these methods."""
    raise MediaRefused(f"method: a media URL is for GET or for PUT, not {request.method}")


def _borrowed(scope: Scope) -> socket | None:
    lending = scope.get("extensions", {}).get(LENDING)
    client: socket | None = lending and lending["lend"]()
    return client


def _url(storage_id: str, key: str, request: Request) -> MediaUrl:
    query = Query(request.scope["query_string"])
    return MediaUrl(
        storage_id=storage_id,
        key=key,
        expires=query.text("expires") or "",
        signature=query.text("signature") or "",
        content_type=query.text("content-type") or "",
    )


def _answer(found: Readable, request: Request) -> Response:
    """What a GET or HEAD is answered (RFC 9110, sections 13 and 14); raises `Unsatisfiable`."""
    stored = found.stored
    modified = format_datetime(stored.modified.replace(microsecond=0), usegmt=True)
    headers = {
        "Content-Type": stored.content_type,
        "Accept-Ranges": "bytes",
        "ETag": stored.etag,
        "Last-Modified": modified,
        **stored.checksums,
        **_SANDBOX,
    }
    asked = request.headers
    if stored.etag in (tag.strip() for tag in asked.get("if-none-match", "").split(",")):
        return Response(None, 304, headers)
    span = None
    if asked.get("if-range", stored.etag) in (stored.etag, modified):
        span = byte_range(asked.get("range", ""), stored.size)
    status = 200
    if span is None:
        span = Span(0, stored.size)
    else:
        status = 206
        headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{stored.size}"
    headers["Content-Length"] = str(span.end - span.start)
    if request.method == "HEAD" or is_head(request):
        return Response(None, status, headers)
    return ObjectResponse(found, span, status, headers)


def byte_range(header: str, size: int) -> Span | None:
    """The part of `size` bytes that a Range header asks for.

    None, which means all, if the header is no single range of bytes (RFC 9110, section 14.2);
    raises `Unsatisfiable` if the part holds no byte.
    """
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match.groups()
    if first and last and int(first) > int(last):
        return None
    if first:
        span = Span(int(first), min(int(last) + 1, size) if last else size)
    else:
        span = Span(max(size - int(last), 0), size)
    if span.start >= span.end:
        raise Unsatisfiable(size)
    return span
