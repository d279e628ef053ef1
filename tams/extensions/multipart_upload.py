"""Segments with their bytes in one request: `POST /flows/{id}/segments` with a form.

All of them are registered, or none.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response
from tams.api.deps import ServicesDep, WhoDep
from tams.api.extension_deps import ExtensionServicesDep
from tams.api.forms import FormRoute
from tams.api.paging import base_url
from tams.api.segment_forms import take_form
from tams.domain.storage import UrlFilter
from tams.extensions.base import Extension
from tams.wire.segment_uploads import single_segment_json

router = APIRouter(tags=["Extension: multipart upload"], route_class=FormRoute)


@router.post("/flows/{flow_id:tams_id}/segments")
async def upload_segments(
    flow_id: str,
    request: Request,
    standard: ServicesDep,
    services: ExtensionServicesDep,
    who: WhoDep,
) -> Response:
    """Register Segments whose bytes come along, or that refer to Objects; all of them, or none."""
    ids, is_array = await take_form(request, flow_id, who, services.segment_uploads, standard)
    media = services.segment_media
    signer = media.signer(base_url(request), UrlFilter())
    bodies = [
        single_segment_json(flow_id, each.segment, each.object, each.tags, each.size, signer)
        for each in await media.get_all(flow_id, ids)
    ]
    return json_response(b"[%b]" % b",".join(bodies) if is_array else bodies[0], 201)


EXTENSION = Extension(name="multipart-upload", router=router)
