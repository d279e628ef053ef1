"""Envelopes of lists, and the lists that have no other file: webhooks and deletion requests."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response
from tams.api.deps import ServicesDep, SizesDep
from tams.api.paging import PageSizes
from tams.api.query import Query
from tams.domain.pages import Page, PageRequest
from tams.domain.webhooks import Webhook
from tams.errors import Invalid
from tams.services.windows import Window
from tams.wire.deletions import request_fields
from tams.wire.vast import envelope
from tams.wire.webhooks import webhook_fields

router = APIRouter()
aliases = APIRouter()
"""The same at the paths of the extension of that name, which also says who may use them."""

T = TypeVar("T")

_STEP = 1000


def window_of(query: Query, sizes: PageSizes) -> Window:
    """The part of a list that is asked for, by `limit` and `offset`, or by a `page` from 1 on.

    Raises `Invalid`.
    """
    limit = sizes.granted(query)
    page = query.integer("page")
    if page is not None and page < 1:
        raise Invalid("page", page, "it must be 1 or more")
    offset = query.integer("offset")
    if offset is not None and offset < 0:
        raise Invalid("offset", offset, "it must be 0 or more")
    if offset is None:
        offset = 0 if page is None else (page - 1) * limit
    return Window(limit, offset)


def listed(items: Iterable[dict[str, Any]], window: Window, total: int) -> Response:
    """The answer with a window of a list."""
    return json_response(json.dumps(envelope(items, **window._asdict(), total=total)).encode())


@aliases.get("/webhooks")
@router.get("/service/webhooks")
async def list_webhooks(request: Request, services: ServicesDep, sizes: SizesDep) -> Response:
    """The webhooks, by URL."""
    query = Query(request.scope["query_string"])
    window, tags = window_of(query, sizes), query.tags()

    async def listing(page: PageRequest) -> Page[Webhook]:
        return await services.webhooks.list(tags, page)

    return await _short(listing, window, webhook_fields)


@aliases.get("/deletion-requests")
@router.get("/flow-delete-requests")
async def list_requests(request: Request, services: ServicesDep, sizes: SizesDep) -> Response:
    """The deletion requests, newest first."""
    window = window_of(Query(request.scope["query_string"]), sizes)
    return await _short(services.deletions.list, window, request_fields)


async def _short(
    listing: Callable[[PageRequest], Awaitable[Page[T]]],
    window: Window,
    fields: Callable[[T], dict[str, Any]],
) -> Response:
    """A window of a list that is short enough to be read as a whole."""
    items: list[T] = []
    page = await listing(PageRequest(_STEP))
    items += page.items
    while page.next_key is not None:
        page = await listing(PageRequest(_STEP, page.next_key))
        items += page.items
    shown = items[window.offset : window.offset + window.limit]
    return listed(map(fields, shown), window, len(items))
