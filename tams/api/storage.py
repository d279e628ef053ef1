"""`/flows/{flowId}/storage`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, read_body
from tams.api.deps import ServicesDep, WhoDep
from tams.api.paging import base_url
from tams.wire.storage import allocations_json, parse_storage_request

router = APIRouter(tags=["MediaStorage"])


@router.post("/flows/{flow_id:tams_id}/storage")
async def allocate_storage(
    flow_id: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """New Objects for a Flow, each with the request that writes its bytes."""
    asked = parse_storage_request(await read_body(request))
    allocated = await services.storage.allocate(who, base_url(request), flow_id, asked)
    return json_response(allocations_json(allocated), 201)
