"""Segments with their bytes, as a form brings them.

The parts `segment` (or `segment_data`) declare Segments, as JSON; the parts `file` bring bytes, the
first for the first Segment and so on, in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fastapi import Request

from tams.api.bodies import MAX_BODY
from tams.api.deps import Services
from tams.api.forms import FormPart, form_parts
from tams.api.query import Query
from tams.domain.access import Principal
from tams.domain.segment_uploads import DeclaredSegment, UploadedFile
from tams.errors import Invalid, TooLarge
from tams.services.segment_uploads import SegmentUpload, SegmentUploads
from tams.wire.segment_uploads import parse_declared

_DECLARING = ("segment", "segment_data")
_MAX_DECLARED = 1 << 20
_MAX_TYPE = 255
_CHECKSUMS = ("content-md5", "x-amz-checksum-sha256", "x-amz-checksum-crc32c")


class Registered(NamedTuple):
    """The ids of the Segments of a form, in its order; and whether it held an array of them."""

    ids: Sequence[str]
    is_array: bool


async def take_form(
    request: Request, flow_id: str, who: Principal, uploads: SegmentUploads, services: Services
) -> Registered:
    """Store and register what a form brings to a Flow, in the backend `storage_id` if one is asked.

    All of it is registered, or nothing. Raises what an upload does, and `Invalid`.
    """
    storage_id = Query(request.scope["query_string"]).uuid("storage_id")
    async with uploads.begin(who, flow_id, storage_id) as upload:
        return await _take(request, upload, services)


async def _take(request: Request, upload: SegmentUpload, services: Services) -> Registered:
    is_array, number, size = False, 0, 0
    async for part in form_parts(request):
        if part.name in _DECLARING:
            content = await part.read(_MAX_DECLARED)
            size += len(content)  # all of it is kept until the form ends
            if size > MAX_BODY:
                rule = f"the Segments of a form may have at most {MAX_BODY} bytes"
                raise TooLarge(f"{part.name}: {rule}")
            declared, as_array = parse_declared(content, part.name)
            upload.declare(_taggable(declared, services))
            number += 1
            is_array = is_array or as_array or number > 1
        elif part.name == "file":
            await upload.store(_file(part), part.content)
    return Registered(await upload.finish(), is_array)


def _taggable(declared: list[DeclaredSegment], services: Services) -> list[DeclaredSegment]:
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
