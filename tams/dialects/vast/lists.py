"""Envelopes of lists, and the lists that have no other file: webhooks and deletion requests."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response
from tams.api.deps import SizesDep
from tams.api.extension_deps import ExtensionServicesDep
from tams.api.paging import PageSizes
from tams.api.query import Query
from tams.domain.pages import Sort
from tams.errors import Invalid
from tams.services.windows import Window
from tams.wire.deletions import request_fields
from tams.wire.vast import envelope
from tams.wire.webhooks import webhook_fields

router = APIRouter()
aliases = APIRouter()
"""The same at the paths of the extension of that name, which also says who may use them."""


def window_of(query: Query, sizes: PageSizes, sorts: Collection[Sort] = ()) -> Window:
    """The part of a list that is asked for, by `limit` and `offset`, or by a `page` from 1 on.

    It is in one of the orders that the list offers, as at the root. Raises `Invalid`.
    """
    asked = sizes.request(query, sorts)
    page = query.integer("page")
    if page is not None and page < 1:
        raise Invalid("page", page, "it must be 1 or more")
    offset = query.integer("offset")
    if offset is not None and offset < 0:
        raise Invalid("offset", offset, "it must be 0 or more")
    if offset is None:
        offset = 0 if page is None else (page - 1) * asked.limit
    return Window(asked.limit, offset, asked.reverse, asked.sort)


def listed(items: Iterable[dict[str, Any]], window: Window, total: int) -> Response:
    """The answer with a window of a list."""
    told = envelope(items, limit=window.limit, offset=window.offset, total=total)
    return json_response(json.dumps(told).encode())


@aliases.get("/webhooks")
@router.get("/service/webhooks")
async def list_webhooks(
    request: Request, services: ExtensionServicesDep, sizes: SizesDep
) -> Response:
    """The webhooks, by URL."""
    query = Query(request.scope["query_string"])
    window = window_of(query, sizes)
    found = await services.windows.webhooks(query.tags(), window)
    return listed(map(webhook_fields, found.items), window, found.total)


@aliases.get("/deletion-requests")
@router.get("/flow-delete-requests")
async def list_requests(
    request: Request, services: ExtensionServicesDep, sizes: SizesDep
) -> Response:
    """The deletion requests, newest first."""
    window = window_of(Query(request.scope["query_string"]), sizes, ("created", "expiry"))
    found = await services.windows.deletion_requests(window)
    return listed(map(request_fields, found.items), window, found.total)
