"""The shapes of the vendor's dialect: flat Flows, envelopes of lists, errors with a `detail`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from tams.domain.flows import Flow, Ratio, VideoParameters
from tams.domain.objects import Object, ObjectFacts, ReservedObject
from tams.domain.segments import Segment
from tams.domain.sources import Source
from tams.domain.storage import StorageBackend
from tams.domain.tags import Tags
from tams.domain.timerange import format_timestamp
from tams.errors import Invalid
from tams.wire import flows
from tams.wire.service import storage_backend_fields
from tams.wire.values import present

Fields = dict[str, Any]

_RENAMED = {"colorspace": "color_space", "transfer_characteristic": "transfer_characteristics"}
"""What the vendor calls parts of the standard's `essence_parameters`."""


def moment(value: datetime | None) -> str | None:
    """A time of day in UTC, with its offset written out."""
    return None if value is None else value.isoformat()


def envelope(items: Iterable[Fields], *, limit: int, offset: int, total: int) -> Fields:
    """A part of a list, and how many items there are in all."""
    return {"data": list(items), "paging": {"limit": limit, "offset": offset, "total": total}}


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
    """A Flow with its essence parameters beside the rest; container and Profile are not shown."""
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


def segment_fields(
    segment_id: str,
    flow_id: str,
    segment: Segment,
    facts: ObjectFacts,
    tags: Tags,
    urls: Iterable[Fields],
) -> Fields:
    """A Segment, with its id and what is known of its bytes."""
    created = moment(facts.created)
    offset, last = segment.ts_offset, segment.last_duration
    return {
        "id": segment_id,
        "flow_id": flow_id,
        "object_id": segment.object_id,
        "timerange": str(segment.timerange),
        "sample_offset": segment.sample_offset,
        "sample_count": segment.sample_count,
        "storage_path": segment.key,
        "file_size": facts.size,
        "content_type": facts.content_type,
        "created": created,
        "updated": created,
        "tags": dict(tags),
        "get_urls": list(urls),
    } | present(
        {
            "ts_offset": format_timestamp(offset) if offset else None,
            "last_duration": None if last is None else format_timestamp(last),
            "key_frame_count": segment.key_frame_count,
        }
    )


def url_fields(url: str, label: str | None, backend: StorageBackend | None) -> Fields:
    """A URL with all that the standard tells of it; `backend` is None for somebody else's."""
    entry = {"url": url, "label": label, "presigned": backend is not None}
    if backend is None:
        return entry | {"controlled": False}
    return entry | {
        "storage_id": backend.id,
        "controlled": True,
        **storage_backend_fields(backend),
    }


def object_fields(found: Object, references: Sequence[tuple[str, str]]) -> Fields:
    """An Object, by both of the vendor's readings; `references` are ids of Flows and timeranges."""
    return {
        **_object(found.id, found.size, found.created, references),
        "first_referenced_by_flow": found.first_referenced_by_flow,
        "access_count": found.access_count,
        "last_accessed": moment(found.last_accessed),
    }


def reserved_fields(reserved: ReservedObject) -> Fields:
    """An Object that nothing refers to yet."""
    return {
        **_object(reserved.id, reserved.size, reserved.created, ()),
        "created_by": reserved.created_by,
    }


def _object(
    object_id: str,
    size: int | None,
    created: datetime | None,
    references: Sequence[tuple[str, str]],
) -> Fields:
    return {
        "id": object_id,
        "object_id": object_id,
        "flow_references": [
            {"flow_id": flow_id, "timerange": timerange} for flow_id, timerange in references
        ],
        "referenced_by_flows": [flow_id for flow_id, _ in references],
        "size": size,
        "created": moment(created),
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
    if error.value is None and error.rule.startswith("it must be given"):
        told = {"msg": "field required", "type": "value_error.missing"}
    else:
        told = {"msg": error.rule, "type": "value_error"}
    return {"detail": [{"loc": [place, *parts], **told}]}
