"""Single Segments: `GET …/segments/{segment_id}`, its bytes at `…/data`, a URL of them at `…/url`.

`segment_id` is the id of a Segment, or of an Object, whose earliest Segment in the Flow is meant.
"""

from __future__ import annotations

import json
from enum import StrEnum
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from tams.api.bodies import json_response
from tams.api.extension_deps import ExtensionServicesDep
from tams.api.get_urls import url_filter
from tams.api.media import object_answer
from tams.api.paging import base_url
from tams.api.query import Query
from tams.domain.storage import Reading
from tams.extensions.base import Extension
from tams.wire.segment_uploads import single_segment_json
from tams.wire.values import present, timestamp_text

router = APIRouter(tags=["Extension: segment media"])

_SEGMENT = "/flows/{flow_id:tams_id}/segments/{segment_id:text}"
_LIFE = 3600


class Operation(StrEnum):
    """What a URL may be for: bytes of registered Objects are read, never written or deleted."""

    GET_OBJECT = "get_object"
    HEAD_OBJECT = "head_object"


_METHODS: dict[Operation, Reading] = {Operation.GET_OBJECT: "GET", Operation.HEAD_OBJECT: "HEAD"}


@router.get(_SEGMENT)
async def get_segment(
    flow_id: str, segment_id: str, request: Request, services: ExtensionServicesDep
) -> Response:
    """A Segment as the standard lists it, with its id and what is known of its bytes."""
    query = Query(request.scope["query_string"])
    urls = url_filter(query)
    verbose = query.flag("verbose_storage") or False
    media = services.segment_media
    found = await media.get(flow_id, segment_id)
    signer = media.signer(base_url(request), urls)
    return json_response(
        single_segment_json(
            flow_id, found.segment, found.object, found.tags, found.size, signer, verbose=verbose
        )
    )


@router.get(f"{_SEGMENT}/data")
async def get_segment_data(
    flow_id: str, segment_id: str, request: Request, services: ExtensionServicesDep
) -> Response:
    """The bytes of a Segment's Object, whole or by Range; where others have them, the way there."""
    media = services.segment_media
    object_id, found = await media.open(flow_id, segment_id)
    if isinstance(found, str):
        return RedirectResponse(found, 307)
    return object_answer(found, request, partial(media.is_read, object_id))


@router.get(f"{_SEGMENT}/url")
async def get_segment_url(
    flow_id: str, segment_id: str, request: Request, services: ExtensionServicesDep
) -> Response:
    """A presigned URL of the bytes, for one operation and for as long as is asked."""
    query = Query(request.scope["query_string"])
    operation = query.choice("operation", Operation) or Operation.GET_OBJECT
    asked = query.integer("expires_in")
    signed = await services.segment_media.sign(
        base_url(request),
        flow_id,
        segment_id,
        _METHODS[operation],
        _LIFE if asked is None else asked,
    )
    expires = None if signed.expires is None else timestamp_text(signed.expires)
    body = present({"url": signed.url, "expires_at": expires, "operation": operation})
    return json_response(json.dumps(body).encode())


EXTENSION = Extension(name="segment-media", router=router)
