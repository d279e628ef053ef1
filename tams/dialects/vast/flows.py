"""Flows in the vendor's shape: flat."""

from __future__ import annotations

import json
import uuid
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, read_body
from tams.api.deletions import deleted
from tams.api.deps import ServicesDep, SizesDep, WhoDep
from tams.api.extension_deps import ExtensionServicesDep
from tams.api.flows import flow_query
from tams.api.query import Query
from tams.dialects.vast.lists import listed, window_of
from tams.dialects.vast.manner import MannerDep, ShownDep
from tams.domain.flows import FlowCommon
from tams.domain.timerange import ETERNITY
from tams.errors import Invalid
from tams.wire.batches import parse_batch
from tams.wire.technical import read_object
from tams.wire.trash import marks
from tams.wire.vast import flow_fields, moment
from tams.wire.vendor_flows import vendor_flow
from tams.wire.vendor_keeping import kept

router = APIRouter()
creation = APIRouter()

_FLOW = "/flows/{resource_id:tams_id}"


@router.get("/flows")
async def list_flows(
    request: Request, services: ExtensionServicesDep, sizes: SizesDep, shown: ShownDep
) -> Response:
    """The Flows that pass the filters, newest first."""
    query = Query(request.scope["query_string"])
    window = window_of(query, sizes, ("created", "metadata_updated", "label"))
    if shown is not None:
        all_found = await services.windows.trashed_flows(flow_query(query), window, shown)
        items = (flow_fields(flow) | marks(record, moment) for flow, record in all_found.items)
        return listed(items, window, all_found.total)
    found = await services.windows.flows(flow_query(query), window)
    return listed(map(flow_fields, found.items), window, found.total)


@creation.post("/flows")
async def add_flow(request: Request, services: ExtensionServicesDep, who: WhoDep) -> Response:
    """Make a Flow of a Source that is there, or of a new one if none is named."""
    document = read_object(await read_body(request))
    names_source = document.get("source_id") is not None
    [flow] = await services.direct_creation.add_flows(
        who, [_flow(document)], needs_source=names_source
    )
    return json_response(json.dumps(flow_fields(flow)).encode(), 201)


@creation.post("/flows/batch")
async def add_flows(request: Request, services: ExtensionServicesDep, who: WhoDep) -> Response:
    """Make Flows, all or none, and those of their Sources that are new."""
    new = parse_batch(await read_body(request), _flow)
    flows = await services.direct_creation.add_flows(who, new, is_batch=True)
    return json_response(json.dumps([flow_fields(one) for one in flows]).encode(), 201)


@router.get(_FLOW)
async def get_flow(resource_id: str, request: Request, services: ServicesDep) -> Response:
    """One Flow; with `include_timerange`, the reach of its Segments that overlap `timerange`."""
    query = Query(request.scope["query_string"])
    timerange = query.timerange("timerange") or ETERNITY
    wanted = timerange if query.flag("include_timerange") else None
    flow, reach = await services.flows.get_within(resource_id, wanted)
    told = flow_fields(flow) | ({} if reach is None else {"timerange": str(reach)})
    return json_response(json.dumps(told).encode())


@router.put(_FLOW)
async def put_flow(
    resource_id: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """Create a Flow (201), or replace as much of its metadata as this shape shows (200)."""
    document = read_object(await read_body(request))
    flow = _flow({"id": resource_id, **document})
    if flow.id != resource_id:
        raise Invalid("id", flow.id, f"it must be the id in the path, {resource_id}")
    created = await services.flows.put(who, flow, kept)
    shown = created or await services.flows.get(resource_id)
    status = 200 if created is None else 201
    return json_response(json.dumps(flow_fields(shown)).encode(), status)


@router.delete(_FLOW)
async def delete_flow(
    resource_id: str,
    request: Request,
    services: ExtensionServicesDep,
    who: WhoDep,
    asked: MannerDep,
) -> Response:
    """Delete a Flow, so that it can be taken back if nothing else is said."""
    return deleted(request, await services.soft_deletion.delete_flow(who, resource_id, asked))


def _flow(document: dict[str, Any]) -> FlowCommon:
    return vendor_flow(document, lambda: str(uuid.uuid4()))
