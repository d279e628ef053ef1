"""`/flow-delete-requests`, and the answer to a DELETE that may take long."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, no_content
from tams.api.deps import ServicesDep, SizesDep
from tams.api.paging import api_url, paging_headers
from tams.api.query import Query
from tams.domain.deletions import DeletionRequest
from tams.wire.deletions import request_json, requests_json

router = APIRouter(tags=["FlowDeleteRequests"])

_REQUESTS = "/flow-delete-requests"


@router.get(_REQUESTS)
async def list_requests(request: Request, services: ServicesDep, sizes: SizesDep) -> Response:
    """A page of the deletion requests that have not expired."""
    query = Query(request.scope["query_string"])
    asked = sizes.request(query, ("created", "expiry"))
    page = await services.deletions.list(asked)
    return json_response(requests_json(page.items), headers=paging_headers(request, asked, page))


@router.get(f"{_REQUESTS}/{{request_id:tams_id}}")
async def get_request(request_id: str, services: ServicesDep) -> Response:
    """How far a deletion is."""
    return json_response(request_json(await services.deletions.get(request_id)))


def deleted(request: Request, deletion: DeletionRequest | None) -> Response:
    """204 if all is deleted, else 202 and where to see how far it is (statements 190 and 203)."""
    if deletion is None:
        return no_content()
    location = f"{api_url(request)}{_REQUESTS}/{deletion.id}"
    return json_response(request_json(deletion), 202, {"Location": location})
