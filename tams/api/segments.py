"""`/flows/{flowId}/segments`."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, read_body
from tams.api.deletions import deleted
from tams.api.deps import Services, ServicesDep, SizesDep, WhoDep
from tams.api.errors import error_response
from tams.api.get_urls import url_filter
from tams.api.paging import PageSizes, base_url, paging_headers
from tams.api.query import Query
from tams.domain.segments import SegmentQuery, envelope
from tams.domain.timerange import ETERNITY
from tams.wire.segments import failed_segments_json, parse_segments, segments_json

router = APIRouter(tags=["FlowSegments"])

_SEGMENTS = "/flows/{flow_id:tams_id}/segments"


def segment_query(query: Query) -> SegmentQuery:
    """Which Segments are meant by `timerange` and `object_id`."""
    return SegmentQuery(query.timerange("timerange") or ETERNITY, query.text("object_id"))


@router.get(_SEGMENTS)
async def list_segments(
    flow_id: str, request: Request, services: ServicesDep, sizes: SizesDep
) -> Response:
    """A page of the Segments that overlap `timerange`, in the order of time."""
    query = Query(request.scope["query_string"])
    return await answer_page(flow_id, request, services, sizes, query, segment_query(query))


async def answer_page(
    flow_id: str,
    request: Request,
    services: Services,
    sizes: PageSizes,
    query: Query,
    wanted: SegmentQuery,
) -> Response:
    """The page of these Segments that the rest of the query asks for."""
    asked = sizes.request(query)
    verbose = query.flag("verbose_storage") or False
    with_object = query.flag("include_object_timerange") or False
    page, signer = await services.segments.list(
        base_url(request),
        flow_id,
        wanted,
        asked,
        url_filter(query),
        with_object=with_object,
    )
    headers = paging_headers(request, asked, page)
    headers["X-Paging-Timerange"] = str(envelope(page.items))
    body = segments_json(page.items, signer, verbose=verbose, with_object=with_object)
    return json_response(body, headers=headers)


@router.post(_SEGMENTS)
async def add_segments(
    flow_id: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """Register one Segment or an array; of an array, what fails is listed and the rest goes on."""
    posts, invalid, is_array = parse_segments(await read_body(request))
    refused = [*invalid, *await services.segments.add(who, flow_id, posts)]
    if not refused:
        return json_response(b"{}", 201)
    if not is_array:
        return error_response(400, "Invalid", refused[0].reason)
    return json_response(failed_segments_json(refused, datetime.now(UTC)))


@router.delete(_SEGMENTS)
async def delete_segments(
    flow_id: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """Delete the Segments that lie completely within `timerange`."""
    query = Query(request.scope["query_string"])
    deletion = await services.deletions.delete_segments(who, flow_id, segment_query(query))
    return deleted(request, deletion)
