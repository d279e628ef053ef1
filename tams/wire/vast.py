"""The shapes of the vendor's dialect: flat Flows, envelopes of lists, errors with a `detail`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tams.domain.flows import Flow, Ratio, VideoParameters
from tams.domain.objects import Object
from tams.domain.sources import Source
from tams.domain.timerange import TimeRange, format_timestamp
from tams.errors import Invalid
from tams.wire import flows
from tams.wire.values import present

Fields = dict[str, Any]

_RENAMED = {"colorspace": "color_space", "transfer_characteristic": "transfer_characteristics"}
"""What the vendor calls parts of the standard's `essence_parameters`."""


class Window(NamedTuple):
    """The part of a list that an envelope holds, and how many items there are in all."""

    limit: int
    offset: int
    total: int


class VastSegment(NamedTuple):
    """A Segment with what the vendor shows of it besides; `get_urls` are labelled, in order."""

    id: str
    flow_id: str
    object_id: str
    timerange: TimeRange
    ts_offset: int
    last_duration: int | None
    sample_offset: int | None
    sample_count: int | None
    key_frame_count: int | None
    storage_path: str | None
    file_size: int | None
    content_type: str | None
    created: datetime | None
    tags: Mapping[str, object]
    get_urls: Sequence[Mapping[str, object]]


def moment(value: datetime | None) -> str | None:
    """A time of day in UTC, with its offset written out."""
    return None if value is None else value.isoformat()


def envelope(items: Sequence[Fields], window: Window) -> Fields:
    """A list."""
    return {"data": list(items), "paging": window._asdict()}


def source_fields(source: Source) -> Fields:
    """A Source; what is empty is shown as such."""
    return present({"created_by": source.created_by, "updated_by": source.updated_by}) | {
        "id": source.id,
        "format": source.format,
        "label": source.label,
        "description": source.description,
        "created": moment(source.created),
        "updated": moment(source.updated),
        "tags": dict(source.tags),
        "source_collection": [
            present({"id": member.id, "role": member.role}) for member in source.source_collection
        ],
        "collected_by": list(source.collected_by),
    }


def flow_fields(flow: Flow) -> Fields:
    """A Flow with its essence parameters beside the rest; the container is not shown."""
    collection = [present({"id": item.id, "role": item.role}) for item in flow.flow_collection]
    essence = {
        _RENAMED.get(name, name): value
        for name, value in flows.flow_fields(flow).get("essence_parameters", {}).items()
    }
    if isinstance(flow.essence_parameters, VideoParameters):
        essence.pop("vfr", None)
        essence["frame_rate"] = ratio(flow.essence_parameters.frame_rate) or "vfr"
    if "bit_depth" in essence and "sample_rate" in essence:
        essence["bits_per_sample"] = essence.pop("bit_depth")
    return essence | present(
        {
            "max_bit_rate": flow.max_bit_rate,
            "avg_bit_rate": flow.avg_bit_rate,
            "generation": flow.generation,
            "metadata_version": flow.metadata_version,
            "status": flow.status,
            "profile_id": flow.profile_id,
            "created_by": flow.created_by,
            "updated_by": flow.updated_by,
            "segments_updated": moment(flow.segments_updated),
            "segment_duration": _duration(flow.segment_duration),
        }
    ) | {
        "id": flow.id,
        "source_id": flow.source_id,
        "format": flow.format,
        "codec": flow.codec,
        "label": flow.label,
        "description": flow.description,
        "read_only": bool(flow.read_only),
        "created": moment(flow.created),
        "updated": moment(flow.metadata_updated),
        "tags": dict(flow.tags),
        "flow_collection": collection or None,
        "collected_by": list(flow.collected_by),
    }  # fmt: skip


def segment_fields(segment: VastSegment) -> Fields:
    """A Segment."""
    created = moment(segment.created)
    offset = format_timestamp(segment.ts_offset) if segment.ts_offset else None
    last = segment.last_duration
    return {
        "id": segment.id,
        "flow_id": segment.flow_id,
        "object_id": segment.object_id,
        "timerange": str(segment.timerange),
        "sample_offset": segment.sample_offset,
        "sample_count": segment.sample_count,
        "storage_path": segment.storage_path,
        "file_size": segment.file_size,
        "content_type": segment.content_type,
        "created": created,
        "updated": created,
        "tags": dict(segment.tags),
        "get_urls": list(segment.get_urls),
    } | present(
        {
            "ts_offset": offset,
            "last_duration": None if last is None else format_timestamp(last),
            "key_frame_count": segment.key_frame_count,
        }
    )


def object_fields(found: Object, references: Sequence[Fields]) -> Fields:
    """An Object, by both of the vendor's readings; `references` are `flow_id` and `timerange`."""
    return {
        "id": found.id,
        "object_id": found.id,
        "flow_references": list(references),
        "referenced_by_flows": list(dict.fromkeys(each["flow_id"] for each in references)),
        "first_referenced_by_flow": found.first_referenced_by_flow,
        "size": found.size,
        "created": moment(found.created),
    }


def ratio(value: Ratio | None) -> str | None:
    """A quotient such as 25/1."""
    return None if value is None else f"{value.numerator}/{value.denominator or 1}"


def _duration(value: Ratio | None) -> Fields | None:
    if value is None:
        return None
    return {"numerator": value.numerator, "denominator": value.denominator or 1}


def refusal_fields(error: Invalid, place: str) -> Fields:
    """What is wrong with a request, of whose `place` (`body` or `query`) the field is."""
    parts = [int(part) if part.isdecimal() else part for part in error.field.split(".")]
    if parts[0] == place:
        del parts[0]
    if error.value is None and error.rule == "it must be given":
        told = {"msg": "field required", "type": "value_error.missing"}
    else:
        told = {"msg": error.rule, "type": "value_error"}
    return {"detail": [{"loc": [place, *parts], **told}]}
