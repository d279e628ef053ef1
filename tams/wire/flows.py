"""Flows to and from JSON (TAMS 8.2 `flow-put`, `flow-get`, `flow-collection`)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Annotated, Any

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from tams.domain import flows as domain
from tams.domain.flows import (
    AudioParameters,
    CollectionItem,
    DataParameters,
    EssenceParameters,
    Flow,
    FlowMetadata,
    ImageParameters,
    MultiParameters,
    VideoParameters,
)
from tams.domain.numbers import Natural
from tams.domain.patterns import check_uuid
from tams.domain.sources import ContentFormat
from tams.domain.timerange import TimeRange
from tams.errors import Invalid
from tams.wire.values import WHOLE, check_values, parse, present, timestamp_text, whole

_KNOWN = frozenset(field.name for field in fields(FlowMetadata))
_NAMES = frozenset(
    field.name for kind in vars(domain).values() if is_dataclass(kind) for field in fields(kind)
)
_MIME_TYPE = re.compile(r"[^\s/]+/[^\s/]+")
_METADATA = TypeAdapter(FlowMetadata)
_BIT_RATE: TypeAdapter[int] = TypeAdapter(Annotated[Natural, WHOLE])
_COLLECTION = TypeAdapter(tuple[CollectionItem, ...])
_ESSENCE: dict[ContentFormat, TypeAdapter[Any]] = {
    ContentFormat.VIDEO: TypeAdapter(VideoParameters),
    ContentFormat.AUDIO: TypeAdapter(AudioParameters),
    ContentFormat.IMAGE: TypeAdapter(ImageParameters),
    ContentFormat.DATA: TypeAdapter(DataParameters),
    ContentFormat.MULTI: TypeAdapter(MultiParameters),
}


def parse_flow(body: bytes) -> FlowMetadata:
    """Read the body of PUT /flows/{flowId}; raises `Invalid`.

    Keys that a client does not set are ignored, whatever they hold: a Flow can be PUT as it was
    read. An empty `profile_id` unlinks a Flow, so it is absent from the value.
    """
    document = _object(body)
    known = {name: value for name, value in document.items() if name in _KNOWN}
    check_values(known, _NAMES)
    if known.get("profile_id") == "":
        del known["profile_id"]
    elif "profile_id" in known:
        raise Invalid("profile_id", known["profile_id"], "there is no such Profile")
    essence = known.pop("essence_parameters", None)
    metadata = parse(_METADATA, to_json(known))
    _check(metadata)
    return replace(metadata, essence_parameters=_essence(metadata, essence))


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = whole(from_json(body, allow_inf_nan=False))
    except ValueError as error:
        raise Invalid("body", body, f"invalid JSON: {error}") from None
    if not isinstance(document, dict):
        raise Invalid("body", document, "it must be a JSON object")
    return document


def _check(metadata: FlowMetadata) -> None:
    check_uuid("id", metadata.id)
    check_uuid("source_id", metadata.source_id)
    for name, value in (("codec", metadata.codec), ("container", metadata.container)):
        if value is not None and not _MIME_TYPE.fullmatch(value):
            raise Invalid(name, value, "it must be a MIME type such as video/h264")
    if metadata.codec is None and metadata.format != ContentFormat.MULTI:
        raise Invalid("codec", None, "a Flow of this format needs one")
    _check_collection(metadata.flow_collection)


def _check_collection(collection: Sequence[CollectionItem]) -> None:
    for position, item in enumerate(collection):
        check_uuid(f"flow_collection.{position}.id", item.id)
    if len({item.id for item in collection}) < len(collection):
        raise Invalid("flow_collection", [item.id for item in collection], "each Flow once")


def _essence(metadata: FlowMetadata, essence: object) -> EssenceParameters | None:
    if essence is None:
        if metadata.format == ContentFormat.MULTI:
            return None
        raise Invalid("essence_parameters", None, "a Flow of this format needs them")
    found: EssenceParameters = parse(
        _ESSENCE[metadata.format], to_json(essence), "essence_parameters"
    )
    return found


def parse_collection(body: bytes) -> tuple[CollectionItem, ...]:
    """Read the body of PUT /flows/{flowId}/flow_collection; raises `Invalid`."""
    collection = parse(_COLLECTION, body, "flow_collection")
    check_values({"flow_collection": from_json(body)}, _NAMES)
    _check_collection(collection)
    return collection


def parse_bit_rate(body: bytes, field: str) -> int:
    """A bare JSON integer of 1000 bit/s; raises `Invalid`."""
    return parse(_BIT_RATE, body, field)


def flow_fields(flow: Flow, timerange: TimeRange | None = None) -> dict[str, Any]:
    """The properties of a Flow that are set, and its timerange if that is wanted."""
    document: dict[str, Any] = _METADATA.dump_python(flow, mode="json", exclude_none=True)
    for name in ("tags", "flow_collection", "collected_by"):
        if not document.get(name):
            document.pop(name, None)
    document["created"] = timestamp_text(flow.created)
    document["metadata_updated"] = timestamp_text(flow.metadata_updated)
    return document | present(
        {
            "segments_updated": flow.segments_updated and timestamp_text(flow.segments_updated),
            "collected_by": list(flow.collected_by) or None,
            "timerange": None if timerange is None else str(timerange),
        }
    )


def flow_json(flow: Flow, timerange: TimeRange | None = None) -> bytes:
    """The body of GET /flows/{flowId}."""
    return json.dumps(flow_fields(flow, timerange)).encode()


def flows_json(flows: Sequence[Flow]) -> bytes:
    """The body of GET /flows."""
    return json.dumps([flow_fields(flow) for flow in flows]).encode()


def collection_json(flow: Flow) -> bytes:
    """The body of GET /flows/{flowId}/flow_collection."""
    return _COLLECTION.dump_json(flow.flow_collection, exclude_none=True)
