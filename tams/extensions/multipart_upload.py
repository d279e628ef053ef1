"""Segments with their bytes in one request: `POST /flows/{id}/segments` with a form.

The parts `segment` (or `segment_data`) declare Segments, as JSON; the parts `file` bring bytes, the
first for the first Segment and so on, in any order. All are registered, or none.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response
from tams.api.deps import ServicesDep, WhoDep
from tams.api.forms import FormPart, FormRoute, form_parts
from tams.api.paging import base_url
from tams.api.query import Query
from tams.domain.segment_uploads import DeclaredSegment, UploadedFile
from tams.domain.storage import UrlFilter
from tams.errors import Invalid
from tams.extensions.base import Extension
from tams.extensions.deps import ExtensionServicesDep
from tams.wire.segment_uploads import parse_declared, single_segment_json

router = APIRouter(tags=["Extension: multipart upload"], route_class=FormRoute)

_DECLARING = ("segment", "segment_data")
_MAX_DECLARED = 1 << 20
_MAX_TYPE = 255
_CHECKSUMS = ("content-md5", "x-amz-checksum-sha256", "x-amz-checksum-crc32c")


@router.post("/flows/{flow_id:tams_id}/segments")
async def upload_segments(
    flow_id: str,
    request: Request,
    standard: ServicesDep,
    services: ExtensionServicesDep,
    who: WhoDep,
) -> Response:
    """Register Segments whose bytes come along, or that refer to Objects; all of them, or none."""
    storage_id = Query(request.scope["query_string"]).uuid("storage_id")
    is_array, number = False, 0
    async with services.segment_uploads.begin(who, flow_id, storage_id) as upload:
        async for part in form_parts(request):
            if part.name in _DECLARING:
                declared, as_array = parse_declared(await part.read(_MAX_DECLARED), part.name)
                upload.declare(_taggable(declared, standard))
                number += 1
                is_array = is_array or as_array or number > 1
            elif part.name == "file":
                await upload.store(_file(part), part.content)
        ids = await upload.finish()
    media = services.segment_media
    signer = media.signer(base_url(request), UrlFilter())
    bodies = [
        single_segment_json(flow_id, each.segment, each.object, each.tags, each.size, signer)
        for each in await media.get_all(flow_id, ids)
    ]
    return json_response(b"[%b]" % b",".join(bodies) if is_array else bodies[0], 201)


def _taggable(declared: list[DeclaredSegment], services: ServicesDep) -> list[DeclaredSegment]:
    """The same without tags, where Segments have none: the extension for them is off."""
    if "segment-tags" in services.service.promises.extensions:
        return declared
    return [each._replace(tags={}) for each in declared]


def _file(part: FormPart) -> UploadedFile:
    content_type = part.headers.get("content-type", "").strip() or None
    if content_type is not None and not (
        content_type.isascii() and content_type.isprintable() and len(content_type) <= _MAX_TYPE
    ):
        rule = f"it must be {_MAX_TYPE} characters of printable ASCII at most"
        raise Invalid("Content-Type of file", content_type, rule)
    checksums = {name: part.headers[name] for name in _CHECKSUMS if name in part.headers}
    return UploadedFile(content_type, checksums)


EXTENSION = Extension(name="multipart-upload", router=router)
