"""Segments in the vendor's shape: with an id, where their bytes lie, and two URLs of each place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, read_body
from tams.api.deletions import deleted
from tams.api.deps import ServicesDep, SizesDep, WhoDep
from tams.api.extension_deps import ExtensionServicesDep
from tams.api.forms import FormRoute
from tams.api.get_urls import url_filter
from tams.api.paging import base_url
from tams.api.query import Query
from tams.api.segment_forms import take_form
from tams.api.segments import segment_query
from tams.dialects.vast.lists import listed, window_of
from tams.dialects.vast.manner import MannerDep
from tams.domain.segment_ids import segment_id
from tams.errors import Invalid
from tams.services.windows import ShownSegment, ShownUrl
from tams.wire.clock_times import standard_timeranges
from tams.wire.segments import failed_segments_json, parse_segments
from tams.wire.vast import segment_fields, url_fields

router = APIRouter()

_SEGMENTS = "/flows/{flow_id:tams_id}/segments"


@router.get(_SEGMENTS)
async def list_segments(
    flow_id: str, request: Request, services: ExtensionServicesDep, sizes: SizesDep
) -> Response:
    """The Segments that overlap `timerange`, in the order of time; none of an unknown Flow."""
    query = Query(request.scope["query_string"])
    window = window_of(query, sizes)
    wanted = segment_query(query)._replace(tags=query.tags())
    with_object = query.flag("include_object_timerange") or False
    query.flag("verbose_storage")  # all is told of each URL, whatever it says
    found = await services.windows.segments(
        base_url(request), flow_id, wanted, window, url_filter(query), with_object=with_object
    )
    items = (_fields(each, with_object=with_object) for each in found.items)
    return listed(items, window, found.total)


async def upload_segments(
    flow_id: str,
    request: Request,
    standard: ServicesDep,
    services: ExtensionServicesDep,
    who: WhoDep,
) -> Response:
    """Register Segments whose bytes come along in a form; all of them, or none."""
    ids, is_array = await take_form(request, flow_id, who, services.segment_uploads, standard)
    shown = await services.windows.named_segments(base_url(request), flow_id, ids)
    return _made(shown, is_array=is_array)


router.add_api_route(_SEGMENTS, upload_segments, methods=["POST"], route_class_override=FormRoute)


@router.post(_SEGMENTS)
async def add_segments(
    flow_id: str,
    request: Request,
    standard: ServicesDep,
    services: ExtensionServicesDep,
    who: WhoDep,
) -> Response:
    """Register Segments of Objects whose bytes come another way; of an array, all that can be."""
    posts, invalid, is_array = parse_segments(standard_timeranges(await read_body(request)))
    refused = [*invalid, *await standard.segments.add(who, flow_id, posts)]
    if refused and is_array:
        return json_response(failed_segments_json(refused, datetime.now(UTC)))
    if refused:
        raise Invalid("segment", refused[0].object_id, refused[0].reason)
    ids = [segment_id(flow_id, post.timerange.start or 0) for post in posts]
    shown = await services.windows.named_segments(base_url(request), flow_id, ids)
    return _made(shown, is_array=is_array)


@router.get(f"{_SEGMENTS}/{{name:text}}")
async def get_segment(
    flow_id: str, name: str, request: Request, services: ExtensionServicesDep
) -> Response:
    """One Segment, by its id or its Object's."""
    [shown] = await services.windows.named_segments(base_url(request), flow_id, [name])
    return json_response(json.dumps(_fields(shown)).encode())


@router.delete(_SEGMENTS)
async def delete_segments(
    flow_id: str,
    request: Request,
    services: ExtensionServicesDep,
    who: WhoDep,
    asked: MannerDep,
) -> Response:
    """Delete the Segments completely within `timerange`, so that they can be taken back."""
    found = segment_query(Query(request.scope["query_string"]))
    return deleted(
        request, await services.soft_deletion.delete_segments(who, flow_id, found, asked)
    )


def _made(shown: Sequence[ShownSegment], *, is_array: bool) -> Response:
    fields = [_fields(each) for each in shown]
    return json_response(json.dumps(fields if is_array else fields[0]).encode(), 201)


def _fields(shown: ShownSegment, *, with_object: bool = False) -> dict[str, Any]:
    urls = [_url(shown.id, each) for each in shown.urls]
    segment = shown.segment
    covers = {"object_timerange": str(segment.object_timerange)} if with_object else {}
    told = segment_fields(shown.id, shown.flow_id, segment, shown.facts, shown.tags, urls)
    return told | covers


def _url(name: str, shown: ShownUrl) -> dict[str, Any]:
    label = shown.label or f"{shown.method} access for segment {name}"
    return url_fields(shown.url, label, shown.backend)
