"""`/flows` and everything under it but Segments and storage."""

from __future__ import annotations

import json
from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, no_content, read_body
from tams.api.deletions import deleted
from tams.api.deps import Services, ServicesDep, SizesDep, WhoDep
from tams.api.paging import paging_headers
from tams.api.properties import add_property, add_tags
from tams.api.query import Query
from tams.domain.flows import FlowQuery, FlowStatus
from tams.domain.profiles import with_technical
from tams.domain.sources import ContentFormat
from tams.domain.timerange import ETERNITY
from tams.errors import Invalid
from tams.services.flows import Flows
from tams.wire.flows import (
    collection_json,
    flow_json,
    flows_json,
    parse_bit_rate,
    parse_collection,
    parse_flow,
)
from tams.wire.values import parse_flag, parse_text

router = APIRouter(tags=["Flows"])

_FLOW = "/flows/{resource_id:tams_id}"


def _flows(services: Services) -> Flows:
    return services.flows


@router.get("/flows")
async def list_flows(request: Request, services: ServicesDep, sizes: SizesDep) -> Response:
    """A page of the Flows that pass the filters."""
    query = Query(request.scope["query_string"])
    asked = sizes.request(query, ("created", "metadata_updated", "label"))
    page = await services.flows.list(flow_query(query), asked)
    return json_response(flows_json(page.items), headers=paging_headers(request, asked, page))


def flow_query(query: Query) -> FlowQuery:
    """The filters of a listing of Flows."""
    return FlowQuery(
        source_id=query.uuid("source_id"),
        timerange=query.timerange("timerange"),
        format=query.choice("format", ContentFormat),
        codec=query.mime_type("codec"),
        profile_id=query.uuid("profile_id"),
        label=query.text("label"),
        status=query.choice("status", FlowStatus),
        tags=query.tags(),
        frame_width=query.integer("frame_width"),
        frame_height=query.integer("frame_height"),
        init_segments=query.flag("init_segments"),
        collected_by=query.uuids("collected_by_ids"),
    )


@router.get(_FLOW)
async def get_flow(resource_id: str, request: Request, services: ServicesDep) -> Response:
    """One Flow; with `include_timerange`, the reach of its Segments that overlap `timerange`."""
    query = Query(request.scope["query_string"])
    timerange = query.timerange("timerange") or ETERNITY
    wanted = timerange if query.flag("include_timerange") else None
    flow, reach = await services.flows.get_within(resource_id, wanted)
    return json_response(flow_json(flow, reach))


@router.put(_FLOW)
async def put_flow(
    resource_id: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """Create a Flow, or replace its metadata."""
    flow = parse_flow(await read_body(request))
    if flow.id != resource_id:
        raise Invalid("id", flow.id, f"it must be the id in the path, {resource_id}")
    created = await services.flows.put(who, flow)
    return no_content() if created is None else json_response(flow_json(created), 201)


@router.delete(_FLOW)
async def delete_flow(
    resource_id: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """Delete a Flow and its Segments."""
    return deleted(request, await services.deletions.delete_flow(who, resource_id))


add_tags(router, _FLOW, _flows)
add_property(router, _FLOW, "label", parse_text, _flows)
add_property(router, _FLOW, "description", parse_text, _flows)
add_property(router, _FLOW, "max_bit_rate", parse_bit_rate, _flows)
add_property(router, _FLOW, "avg_bit_rate", parse_bit_rate, _flows, with_technical)


@router.get(f"{_FLOW}/read_only")
async def get_read_only(resource_id: str, services: ServicesDep) -> Response:
    """Whether the Flow is protected."""
    flow = await services.flows.get(resource_id)
    return json_response(json.dumps(flow.read_only or False).encode())


@router.put(f"{_FLOW}/read_only")
async def put_read_only(
    resource_id: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """Protect the Flow, or allow changes again."""
    read_only = parse_flag(await read_body(request), "read_only")
    await services.flows.set_read_only(who, resource_id, read_only=read_only)
    return no_content()


@router.get(f"{_FLOW}/flow_collection")
async def get_collection(resource_id: str, services: ServicesDep) -> Response:
    """What the Flow collects, in order."""
    return json_response(collection_json(await services.flows.get(resource_id)))


@router.put(f"{_FLOW}/flow_collection")
async def put_collection(
    resource_id: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """Set what the Flow collects."""
    collection = parse_collection(await read_body(request))
    await services.flows.change(
        who, resource_id, lambda flow: replace(flow, flow_collection=collection), collection=True
    )
    return no_content()


@router.delete(f"{_FLOW}/flow_collection")
async def delete_collection(resource_id: str, services: ServicesDep, who: WhoDep) -> Response:
    """Let the Flow collect nothing."""
    await services.flows.change(
        who, resource_id, lambda flow: replace(flow, flow_collection=()), collection=True
    )
    return no_content()
