"""`/service/webhooks`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, no_content, read_body
from tams.api.deps import ServicesDep, SizesDep, WhoDep
from tams.api.paging import paging_headers
from tams.api.query import Query
from tams.wire.webhooks import (
    parse_webhook_post,
    parse_webhook_put,
    webhook_json,
    webhooks_json,
)

router = APIRouter(tags=["Webhooks"])

_WEBHOOKS = "/service/webhooks"
_WEBHOOK = f"{_WEBHOOKS}/{{webhook_id:tams_id}}"


@router.get(_WEBHOOKS)
async def list_webhooks(request: Request, services: ServicesDep, sizes: SizesDep) -> Response:
    """A page of the webhooks that pass the filters, by URL."""
    query = Query(request.scope["query_string"])
    asked = sizes.request(query)
    page = await services.webhooks.list(query.tags(), asked)
    return json_response(webhooks_json(page.items), headers=paging_headers(request, asked, page))


@router.post(_WEBHOOKS)
async def add_webhook(request: Request, services: ServicesDep, who: WhoDep) -> Response:
    """Register a webhook; it is told of what happens from now on."""
    every_type = services.webhooks.every_type
    post = parse_webhook_post(await read_body(request), every_type=every_type)
    return json_response(webhook_json(await services.webhooks.add(who, post)), 201)


@router.get(_WEBHOOK)
async def get_webhook(webhook_id: str, services: ServicesDep) -> Response:
    """One webhook, without its secret."""
    return json_response(webhook_json(await services.webhooks.get(webhook_id)))


@router.put(_WEBHOOK)
async def put_webhook(webhook_id: str, request: Request, services: ServicesDep) -> Response:
    """Change a webhook; the standard answers 201."""
    every_type = services.webhooks.every_type
    put = parse_webhook_put(await read_body(request), webhook_id, every_type=every_type)
    return json_response(webhook_json(await services.webhooks.put(webhook_id, put)), 201)


@router.delete(_WEBHOOK)
async def delete_webhook(webhook_id: str, services: ServicesDep) -> Response:
    """Remove a webhook; nothing more is sent to it."""
    await services.webhooks.delete(webhook_id)
    return no_content()
