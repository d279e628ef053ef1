"""`/`, `/service` and `/service/storage-backends`."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, read_body
from tams.api.deps import ServicesDep, SizesDep, WhoDep
from tams.api.paging import paging_headers
from tams.api.query import Query
from tams.wire.service import parse_service_post, service_json, storage_backends_json

router = APIRouter()

_ROOT = json.dumps(["service", "flows", "sources", "flow-delete-requests"]).encode()


@router.get("/")
async def get_root() -> Response:
    """The paths that lead on from here."""
    return json_response(_ROOT)


@router.get("/service")
async def get_service(services: ServicesDep) -> Response:
    """What this service is and promises."""
    return json_response(service_json(await services.service.describe(), services.service.promises))


@router.post("/service")
async def update_service(request: Request, services: ServicesDep, who: WhoDep) -> Response:
    """Change name or description; what is left out keeps its value."""
    post = parse_service_post(await read_body(request))
    await services.service.update(who, name=post.get("name"), description=post.get("description"))
    return Response(status_code=200, media_type="application/json")


@router.get("/service/storage-backends")
async def list_storage_backends(
    request: Request, services: ServicesDep, sizes: SizesDep
) -> Response:
    """The Storage Backends, by label."""
    query = Query(request.scope["query_string"])
    asked = sizes.request(query)
    page = services.service.storage_backends(query.tags(), asked)
    return json_response(
        storage_backends_json(page.items), headers=paging_headers(request, asked, page)
    )
