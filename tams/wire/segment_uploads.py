"""Segments as forms declare them, and single Segments as the vendor's clients read them."""

from __future__ import annotations

import json
from datetime import datetime

from pydantic_core import from_json, to_json

from tams.domain.objects import Object
from tams.domain.segment_ids import segment_id
from tams.domain.segment_uploads import DeclaredSegment
from tams.domain.segments import Segment
from tams.domain.storage import Signer
from tams.domain.tags import Tags
from tams.errors import Invalid
from tams.wire.clock_times import standard_timerange
from tams.wire.segments import parse_segment, segments_json
from tams.wire.values import parse_tags, present, refuse_constants, timestamp_text

_NO_ID = "-"


def parse_declared(body: bytes, field: str) -> tuple[list[DeclaredSegment], bool]:
    """Read a part of a form: one Segment, or an array of them, and whether it was an array.

    As in the body of a registration, but that `object_id` may be left out, that `tags` may be
    given, and that a clock may tell the timeranges. Raises `Invalid`.
    """
    refuse_constants(body, field)
    try:
        found = from_json(body)
    except ValueError as error:
        raise Invalid(field, body, f"invalid JSON: {error}") from None
    if not isinstance(found, list):
        return [_declared(found, field)], False
    return [_declared(each, f"{field}.{place}") for place, each in enumerate(found)], True


def _declared(element: object, field: str) -> DeclaredSegment:
    if not isinstance(element, dict):
        raise Invalid(field, element, "it must be an object, or an array of objects")
    has_id = "object_id" in element
    told = ((name, element.get(name)) for name in ("timerange", "object_timerange"))
    times = {name: standard_timerange(text) for name, text in told if isinstance(text, str)}
    post = parse_segment(to_json({"object_id": _NO_ID, **element, **times}), field)
    tags = parse_tags(to_json(element.get("tags", {})))
    return DeclaredSegment(post if has_id else post._replace(object_id=""), tags)


def single_segment_json(
    flow_id: str,
    segment: Segment,
    found: Object,
    tags: Tags,
    size: int | None,
    signer: Signer,
    *,
    verbose: bool = False,
) -> bytes:
    """A Segment as the standard lists it, with its id and what is known of its bytes."""
    listed = segments_json([segment], signer, verbose=verbose, with_object=True)
    made = _time(found.created)
    more = {
        "id": segment_id(flow_id, segment.start),
        "flow_id": flow_id,
        "storage_path": segment.key,
        "file_size": size,
        "content_type": found.content_type,
        "created": made,
        "updated": made,
        "tags": dict(tags) or None,
    }
    return b"%b,%b" % (listed[1:-2], json.dumps(present(more)).encode()[1:])


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp_text(moment)
