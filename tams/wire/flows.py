"""Flows to and from JSON (TAMS 8.2 `flow-put`, `flow-get`, `flow-collection`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated, Any

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from tams.domain.flows import CollectionItem, Flow, FlowCommon, FlowMetadata
from tams.domain.numbers import Natural
from tams.domain.patterns import check_uuid
from tams.domain.profiles import TECHNICAL
from tams.domain.timerange import TimeRange
from tams.errors import Invalid
from tams.wire.technical import NAMES, known, parse_technical, read_object
from tams.wire.values import WHOLE, check_values, parse, present, timestamp_text

_KNOWN = frozenset(one.name for one in fields(FlowMetadata))
_METADATA = TypeAdapter(FlowMetadata)
_COMMON = TypeAdapter(FlowCommon)
_BIT_RATE: TypeAdapter[int] = TypeAdapter(Annotated[Natural, WHOLE])
_COLLECTION = TypeAdapter(tuple[CollectionItem, ...])


def parse_flow(body: bytes) -> FlowCommon:
    """Read the body of PUT /flows/{flowId}; raises `Invalid`.

    Gives `FlowMetadata`, unless the body leaves its technical properties to a Profile. Keys that a
    client does not set are ignored, whatever they hold: a Flow can be PUT as it was read.
    """
    return flow_of(read_object(body))


def flow_of(document: dict[str, Any]) -> FlowCommon:
    """The same of a body that is read already."""
    found = known(document, _KNOWN)
    flow = _of_profile(found) if found.get("profile_id") else parse_technical(_METADATA, found)
    check_uuid("id", flow.id)
    check_uuid("source_id", flow.source_id)
    _check_collection(flow.flow_collection)
    return flow


def _of_profile(found: dict[str, Any]) -> FlowCommon:
    given = [name for name in TECHNICAL if name in found]
    if given:
        rule = (
            f"it must come without {', '.join(given)}, which the Profile fixes; leave these out,"
            ' or PUT them with profile_id "" to part with the Profile'
        )
        raise Invalid("profile_id", found["profile_id"], rule)
    flow = parse(_COMMON, to_json(found))
    check_uuid("profile_id", flow.profile_id or "")
    return flow


def _check_collection(collection: Sequence[CollectionItem]) -> None:
    for position, item in enumerate(collection):
        check_uuid(f"flow_collection.{position}.id", item.id)
    if len({item.id for item in collection}) < len(collection):
        raise Invalid("flow_collection", [item.id for item in collection], "each Flow once")


def parse_collection(body: bytes) -> tuple[CollectionItem, ...]:
    """Read the body of PUT /flows/{flowId}/flow_collection; raises `Invalid`."""
    collection = parse(_COLLECTION, body, "flow_collection")
    check_values({"flow_collection": from_json(body)}, NAMES)
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
