"""`/objects/{objectId}/instances`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, no_content, read_body
from tams.api.deps import ServicesDep, WhoDep
from tams.api.query import Query
from tams.wire.instances import parse_instance

router = APIRouter(tags=["Objects"])

_INSTANCES = "/objects/{object_id:text}/instances"


@router.post(_INSTANCES)
async def add_instance(
    object_id: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """Have the Object copied to a Storage Backend, or list a URL where it lies as well."""
    asked = parse_instance(await read_body(request))
    await services.instances.add(who, object_id, asked)
    return json_response(b"{}", 201)


@router.delete(_INSTANCES)
async def remove_instance(
    object_id: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """Remove the instance in a Storage Backend, or the one with a label."""
    query = Query(request.scope["query_string"])
    await services.instances.remove(
        who, object_id, storage_id=query.text("storage_id"), label=query.text("label")
    )
    return no_content()
