"""`/objects/{objectId}`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response
from tams.api.deps import ServicesDep, SizesDep
from tams.api.get_urls import url_filter
from tams.api.paging import base_url, paging_headers
from tams.api.query import Query
from tams.wire.objects import object_json

router = APIRouter(tags=["Objects"])


@router.get("/objects/{object_id:text}")
async def get_object(
    object_id: str, request: Request, services: ServicesDep, sizes: SizesDep
) -> Response:
    """An Object that a Segment refers to, with a page of the Flows whose Segments do."""
    query = Query(request.scope["query_string"])
    asked = sizes.request(query)
    verbose = query.flag("verbose_storage") or False
    found, flow_ids, signer = await services.objects.get(
        base_url(request), object_id, query.tags("flow_tag"), asked, url_filter(query)
    )
    body = object_json(found, flow_ids.items, signer, verbose=verbose)
    return json_response(body, headers=paging_headers(request, asked, flow_ids))
