"""`/v6.0` to `/v8.2`: the versions of the standard, as thin translators (docs/dialects.md).

Three operations are not the present ones translated: what a Flow has beyond an older version stays
when it is PUT, a webhook remembers its version, and up to 7.0 a POST changes or removes it as well.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic_core import from_json, to_json
from starlette.types import ASGIApp

from tams.api.bodies import json_response, no_content, read_body
from tams.api.deps import ServicesDep, WhoDep
from tams.dialects.base import Dialect, Standard
from tams.dialects.translation import VERSION, Translation
from tams.domain.webhooks import WebhookRequest
from tams.errors import Invalid
from tams.wire.flows import flow_json, parse_flow
from tams.wire.versions import VERSIONS, Version, of_dialect
from tams.wire.webhooks import parse_webhook_post, parse_webhook_put, webhook_json

router = APIRouter()


def _version(request: Request) -> Version:
    spoken: Version = getattr(request.state, VERSION)
    return spoken


@router.put("/flows/{resource_id:tams_id}")
async def put_flow(
    resource_id: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """Create a Flow, or replace as much of its metadata as the version knows."""
    flow = parse_flow(await read_body(request))
    if flow.id != resource_id:
        raise Invalid("id", flow.id, f"it must be the id in the path, {resource_id}")
    created = await services.flows.put(who, flow, _version(request).keep)
    return no_content() if created is None else json_response(flow_json(created), 201)


@router.post("/service/webhooks")
async def post_webhook(request: Request, services: ServicesDep, who: WhoDep) -> Response:
    """Register a webhook that is told of what happens in this version's words.

    Up to 7.0, change the one with the same URL and key, or remove it if no events are named.
    """
    version, body = _version(request), await read_body(request)
    if not version.has_webhooks_by_url:
        added = await services.webhooks.add(
            who, _of(version, parse_webhook_post(body, every_type=False))
        )
        return json_response(webhook_json(added), 201)
    if _names_no_events(body):
        key = _of(version, parse_webhook_post(_with_an_event(body), every_type=False))
        await services.webhooks.delete_all_with(key)
        return no_content()
    asked = _of(version, parse_webhook_post(body, every_type=False))
    await services.webhooks.add_or_change(who, asked, version.keep_webhook)
    return Response(status_code=201, media_type="application/json")


@router.put("/service/webhooks/{webhook_id:tams_id}")
async def put_webhook(webhook_id: str, request: Request, services: ServicesDep) -> Response:
    """Change a webhook, which then speaks this version."""
    version, body = _version(request), await read_body(request)
    put = _of(version, parse_webhook_put(body, webhook_id, every_type=False))
    changed = await services.webhooks.put(webhook_id, put, version.keep_webhook)
    return json_response(webhook_json(changed), 201)


def _of(version: Version, asked: WebhookRequest) -> WebhookRequest:
    return replace(asked, metadata=replace(asked.metadata, dialect=f"v{version.name}"))


def _names_no_events(body: bytes) -> bool:
    try:
        document = from_json(body)
    except ValueError:
        return False
    return isinstance(document, dict) and document.get("events") == []


def _with_an_event(body: bytes) -> bytes:
    """The same, to be read as any other: what names no events is no webhook to others."""
    return to_json(from_json(body) | {"events": ["flows/created"]})


def _build(name: str, standard: Standard) -> ASGIApp:
    version = of_dialect(name)
    if version is None:
        raise ValueError(f"{name} is no version of the API")
    return Translation(standard.application(router.routes), version)


DIALECTS = {
    name: Dialect(name=name, build=partial(_build, name))
    for name in (f"v{number}" for number in VERSIONS)
}
