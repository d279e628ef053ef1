"""The log of events: its history, and what happens now as Server-Sent Events or over a WebSocket.

Filters and options are those of webhooks. An event's id is its place in the log: whoever shows the
last one that they know is told what came after it, and nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.requests import HTTPConnection
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from tams.api.bodies import json_response
from tams.api.deps import SizesDep
from tams.api.extension_deps import ExtensionServices, ExtensionServicesDep
from tams.api.origins import Origins
from tams.api.paging import base_url, paging_headers
from tams.api.query import Query
from tams.api.routing import is_head
from tams.domain.event_filters import StreamFilter
from tams.domain.events import EVERY_TYPE, AnyEventType, Place
from tams.domain.pages import Page, PageRequest
from tams.errors import Expired, Invalid, NotFound, TamsError
from tams.extensions.base import Extension
from tams.services.event_log import EventQuery
from tams.services.subscribers import Subscriber
from tams.wire.events import (
    as_server_sent,
    expired_json,
    identified_events_json,
    identified_json,
)

_log = structlog.get_logger(__name__)

router = APIRouter(tags=["Extension: event stream"])

LAST_EVENT_ID = "X-TAMS-Last-Event-Id"
"""Where whoever has read a history goes on later."""

_FILTERS = frozenset(
    {
        "types",
        "entity",
        "flow_ids",
        "source_ids",
        "flow_collected_by_ids",
        "source_collected_by_ids",
        "accept_get_urls",
        "accept_storage_ids",
        "presigned",
        "verbose_storage",
        "include_object_timerange",
    }
)
_OF_HISTORY = _FILTERS | {"from", "to", "reverse_order", "limit", "page"}
_OF_STREAM = _FILTERS | {"last_event_id"}

_COME_BACK = 1012
"""Why a WebSocket is closed whose client may open another (IANA: "service restart")."""


def _dotted(name: str) -> str:
    kind, _, change = name.partition("/")
    return f"{kind.removesuffix('s')}.{change}"


_TYPES: dict[str, AnyEventType] = {
    **{written: name for name in EVERY_TYPE for written in (name, _dotted(name))},
    "segment.created": "flows/segments_added",
    "segment.deleted": "flows/segments_deleted",
}
"""Every type by its name, and by the dotted one that some clients know."""

Sending = Callable[[Sequence[bytes]], Awaitable[None]]


@router.get("/events")
async def list_events(
    request: Request, services: ExtensionServicesDep, sizes: SizesDep
) -> Response:
    """A page of what happened, oldest first unless `reverse_order`."""
    query = Query(request.scope["query_string"], only=_OF_HISTORY)
    return await _history(request, query, services, sizes.request(query))


@router.get("/events/{kind:text}/{change:text}")
async def list_events_of_a_type(
    kind: str, change: str, request: Request, services: ExtensionServicesDep, sizes: SizesDep
) -> Response:
    """The same of one type, such as `/events/flows/created`."""
    name = f"{kind}/{change}"
    if name not in EVERY_TYPE:
        raise NotFound("type of events", name)
    query = Query(request.scope["query_string"], only=_OF_HISTORY - {"types"})
    return await _history(request, query, services, sizes.request(query), (_TYPES[name],))


@router.get("/events/stream")
async def stream_events(request: Request, services: ExtensionServicesDep) -> Response:
    """What happens from now on, or after `Last-Event-ID`, as Server-Sent Events."""
    query = Query(request.scope["query_string"], only=_OF_STREAM)
    wanted, place = _wanted(query), await _beginning(request, query, services)
    if is_head(request):
        return Response(media_type=ServerSentEvents.media_type)
    subscribed = services.event_stream.subscribed(wanted, base_url(request), as_server_sent, place)
    return ServerSentEvents(subscribed)


async def _history(
    request: Request,
    query: Query,
    services: ExtensionServices,
    asked: PageRequest,
    types: tuple[AnyEventType, ...] | None = None,
) -> Response:
    wanted = _wanted(query, types)
    looked_for = EventQuery(
        place=None if asked.key is None else _place("page", asked.key),
        since=_moment(query, "from"),
        until=_moment(query, "to"),
        reverse=asked.reverse,
    )
    found = await services.event_log.list(wanted, looked_for, asked.limit)
    page = Page(found.events, str(found.next) if found.more else None)
    headers = paging_headers(request, asked, page)
    if not asked.reverse:
        headers[LAST_EVENT_ID] = str(found.next)
    signer = services.event_log.signer(wanted, base_url(request))
    return json_response(identified_events_json(found.events, wanted, signer), headers=headers)


class ServerSentEvents(Response):
    """A stream (WHATWG HTML, section 9.2); each place that it comes to is told as an `id`."""

    media_type = "text/event-stream"

    def __init__(self, subscribed: AbstractContextManager[Subscriber]) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._subscribed = subscribed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what comes until the client goes, or it is time to end."""
        with self._subscribed as subscriber:
            head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(head)

            async def write(parts: Sequence[bytes], *, more: bool = True) -> None:
                body = b"".join(parts) or _beat(subscriber.place)
                await send({"type": "http.response.body", "body": body, "more_body": more})

            async with _until_gone(receive, subscriber):
                await write(())
                await _send_all(
                    subscriber, write, lambda told: b"event: expired\ndata: %s\n\n" % told
                )
            await write((), more=False)


def _beat(place: Place) -> bytes:
    return b": still here\nid: %s\n\n" % str(place).encode()


async def _open_socket(websocket: WebSocket) -> None:
    """The same over a WebSocket: each message is an event."""
    origins: Origins = websocket.app.state.origins
    origins.check(websocket)
    services: ExtensionServices = websocket.app.state.extension_services
    query = Query(websocket.scope["query_string"], only=_OF_STREAM)
    wanted, place = _wanted(query), await _beginning(websocket, query, services)

    async def write(parts: Sequence[bytes]) -> None:
        for part in parts:
            await websocket.send_text(part.decode())

    stream = services.event_stream
    with stream.subscribed(wanted, base_url(websocket), identified_json, place) as subscriber:
        await websocket.accept()
        with suppress(WebSocketDisconnect):
            async with _until_gone(websocket.receive, subscriber):
                await _send_all(subscriber, write, bytes)
            await websocket.close(_COME_BACK)


# A plain route: the framework's own looks for dependencies that this one has not.
router.routes.append(WebSocketRoute("/events/ws", _open_socket))


async def _send_all(
    subscriber: Subscriber, write: Sending, as_expired: Callable[[bytes], bytes]
) -> None:
    """Send events until the end; at a failure of the catalogue, too, the client may come back."""
    while True:
        known = subscriber.place
        try:
            parts = await subscriber.next()
        except Expired as expired:
            parts = [as_expired(expired_json(known, str(expired), datetime.now(UTC)))]
        except TamsError as failure:
            _log.warning("a stream of events ends", error=str(failure))
            return
        if parts is None:
            return
        await write(parts)


@asynccontextmanager
async def _until_gone(receive: Receive, subscriber: Subscriber) -> AsyncIterator[None]:
    """End it when its client goes; what a client sends means nothing."""

    async def watch() -> None:
        while not (await receive())["type"].endswith(".disconnect"):
            continue
        subscriber.end()

    watching = asyncio.create_task(watch(), name="stream")
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def _wanted(query: Query, types: tuple[AnyEventType, ...] | None = None) -> StreamFilter:
    labels = query.texts("accept_get_urls")
    return StreamFilter(
        events=types or _types(query.texts("types")),
        entity=query.text("entity"),
        flow_ids=_ids(query, "flow_ids"),
        source_ids=_ids(query, "source_ids"),
        flow_collected_by_ids=_ids(query, "flow_collected_by_ids"),
        source_collected_by_ids=_ids(query, "source_collected_by_ids"),
        accept_get_urls=None if labels is None else tuple(filter(None, labels)),
        accept_storage_ids=_ids(query, "accept_storage_ids"),
        presigned=query.flag("presigned"),
        verbose_storage=query.flag("verbose_storage"),
        include_object_timerange=query.flag("include_object_timerange"),
    )


def _types(names: Sequence[str] | None) -> tuple[AnyEventType, ...]:
    if names is None:
        return EVERY_TYPE
    for name in names:
        if name not in _TYPES:
            raise Invalid("types", name, f"each must be one of {', '.join(EVERY_TYPE)}")
    return tuple(dict.fromkeys(_TYPES[name] for name in names))


def _ids(query: Query, name: str) -> tuple[str, ...] | None:
    found = query.uuids(name)
    return None if found is None else tuple(sorted(found))


async def _beginning(
    connection: HTTPConnection, query: Query, services: ExtensionServices
) -> Place:
    """Where a stream begins: a browser that comes back shows the header, and keeps the URL."""
    header = connection.headers.get("last-event-id")
    text = header or query.text("last_event_id")
    return _place("last_event_id", text) if text else await services.event_log.now()


def _place(name: str, text: str) -> Place:
    try:
        return Place.parse(text)
    except ValueError:
        raise Invalid(name, text, "it must be the id of an event, or where a page ended") from None


def _moment(query: Query, name: str) -> datetime | None:
    text = query.text(name)
    if text is None:
        return None
    with suppress(ValueError):
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found
    raise Invalid(name, text, "it must be a time such as 2026-01-31T12:00:00Z")


EXTENSION = Extension(name="event-stream", router=router)
