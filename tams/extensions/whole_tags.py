"""All the tags of a Source or Flow set at once: `PUT …/tags`."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import no_content, read_body
from tams.api.deps import ServicesDep, WhoDep
from tams.extensions.base import Extension
from tams.wire.values import parse_tags

router = APIRouter(tags=["Extension: whole tags"])


@router.put("/sources/{resource_id:tams_id}/tags")
async def put_source_tags(
    resource_id: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """Let a Source have these tags and no others."""
    tags = parse_tags(await read_body(request))
    await services.sources.change(who, resource_id, lambda source: replace(source, tags=tags))
    return no_content()


@router.put("/flows/{resource_id:tams_id}/tags")
async def put_flow_tags(
    resource_id: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """Let a Flow have these tags and no others."""
    tags = parse_tags(await read_body(request))
    await services.flows.change(who, resource_id, lambda flow: replace(flow, tags=tags))
    return no_content()


EXTENSION = Extension(name="whole-tags", router=router)
