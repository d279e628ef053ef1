"""Tags of Segments: as a whole, one by one, and as filters of a Flow's Segments."""

from __future__ import annotations

import json
from typing import ClassVar

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, no_content, read_body
from tams.api.deps import ServicesDep, SizesDep, WhoDep
from tams.api.extension_deps import ExtensionServicesDep
from tams.api.query import Query
from tams.api.segments import answer_page, segment_query
from tams.domain.access import Action, Scope
from tams.domain.tags import with_tag, without_tag
from tams.errors import NotFound
from tams.extensions.base import Extension, ParameterRoute
from tams.wire.values import parse_tag, parse_tags

router = APIRouter(tags=["Extension: segment tags"])

_SEGMENTS = "/flows/{flow_id:tams_id}/segments"
_TAGS = f"{_SEGMENTS}/{{segment_id:text}}/tags"
_TAG = f"{_TAGS}/{{name:text}}"


class TagRoute(ParameterRoute):
    """For requests with a filter on tags."""

    prefixes: ClassVar[tuple[bytes, ...]] = (b"tag.", b"tag_exists.")


async def list_tagged_segments(
    flow_id: str, request: Request, services: ServicesDep, sizes: SizesDep
) -> Response:
    """A page of the Segments with such tags, else as without these filters."""
    query = Query(request.scope["query_string"])
    wanted = segment_query(query)._replace(tags=query.tags())
    return await answer_page(flow_id, request, services, sizes, query, wanted)


router.add_api_route(
    _SEGMENTS, list_tagged_segments, methods=["GET"], route_class_override=TagRoute
)


@router.get(_TAGS)
async def get_segment_tags(
    flow_id: str, segment_id: str, services: ExtensionServicesDep
) -> Response:
    """All tags of a Segment."""
    tags = await services.segment_tags.get(flow_id, segment_id)
    return json_response(json.dumps(dict(tags)).encode())


@router.put(_TAGS)
async def put_segment_tags(
    flow_id: str, segment_id: str, request: Request, services: ExtensionServicesDep, who: WhoDep
) -> Response:
    """Let a Segment have these tags and no others."""
    tags = parse_tags(await read_body(request))
    await services.segment_tags.change(who, flow_id, segment_id, lambda _: tags)
    return no_content()


@router.delete(_TAGS)
async def delete_segment_tags(
    flow_id: str, segment_id: str, services: ExtensionServicesDep, who: WhoDep
) -> Response:
    """Take all tags from a Segment."""
    await services.segment_tags.change(who, flow_id, segment_id, lambda _: {})
    return no_content()


@router.get(_TAG)
async def get_segment_tag(
    flow_id: str, segment_id: str, name: str, services: ExtensionServicesDep
) -> Response:
    """One tag of a Segment."""
    tags = await services.segment_tags.get(flow_id, segment_id)
    if name not in tags:
        raise NotFound("tag", name)
    return json_response(json.dumps(tags[name]).encode())


@router.put(_TAG)
async def put_segment_tag(
    flow_id: str,
    segment_id: str,
    name: str,
    request: Request,
    services: ExtensionServicesDep,
    who: WhoDep,
) -> Response:
    """Give a Segment a tag, in place of any of that name."""
    value = parse_tag(await read_body(request), name)
    await services.segment_tags.change(
        who, flow_id, segment_id, lambda old: with_tag(old, name, value)
    )
    return no_content()


@router.delete(_TAG)
async def delete_segment_tag(
    flow_id: str, segment_id: str, name: str, services: ExtensionServicesDep, who: WhoDep
) -> Response:
    """Take a tag from a Segment."""
    await services.segment_tags.change(who, flow_id, segment_id, lambda old: without_tag(old, name))
    return no_content()


_WRITE = frozenset({Scope.ADMIN, Scope.WRITE})
_PATH = "/flows/{flowId}/segments/{segmentId}/tags"

EXTENSION = Extension(
    name="segment-tags",
    router=router,
    # As the standard has it of other tags.
    actions=(Action("DELETE", _PATH, _WRITE), Action("DELETE", f"{_PATH}/{{name}}", _WRITE)),
)
