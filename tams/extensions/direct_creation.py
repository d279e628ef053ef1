"""Sources, Flows and Objects made by POST, one or many at a time; bodies are read leniently."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, read_body
from tams.api.deps import WhoDep
from tams.api.errors import get_methods
from tams.api.extension_deps import ExtensionServicesDep
from tams.domain.access import Action, Scope
from tams.domain.batches import MAX_OBJECTS
from tams.domain.flows import FlowCommon
from tams.domain.sources import SourceMetadata
from tams.extensions.base import Extension
from tams.wire.batches import parse_batch
from tams.wire.flows import flow_json, flows_json
from tams.wire.sources import source_json, sources_json
from tams.wire.technical import read_object
from tams.wire.vendor_flows import vendor_flow
from tams.wire.vendor_objects import reserved_json, reserved_many_json, vendor_object
from tams.wire.vendor_sources import vendor_source

router = APIRouter(tags=["Extension: direct creation"])

_LISTS = ("/sources", "/flows", "/objects")


@router.post("/sources")
async def add_source(request: Request, services: ExtensionServicesDep, who: WhoDep) -> Response:
    """Make a Source, which stays until it is deleted."""
    new = _source(read_object(await read_body(request)))
    [source] = await services.direct_creation.add_sources(who, [new])
    return json_response(source_json(source), 201)


@router.post("/sources/batch")
async def add_sources(request: Request, services: ExtensionServicesDep, who: WhoDep) -> Response:
    """Make Sources, all or none."""
    new = parse_batch(await read_body(request), _source)
    sources = await services.direct_creation.add_sources(who, new, is_batch=True)
    return json_response(sources_json(sources), 201)


@router.post("/flows")
async def add_flow(request: Request, services: ExtensionServicesDep, who: WhoDep) -> Response:
    """Make a Flow, and its Source if there is none."""
    new = _flow(read_object(await read_body(request)))
    [flow] = await services.direct_creation.add_flows(who, [new])
    return json_response(flow_json(flow), 201)


@router.post("/flows/batch")
async def add_flows(request: Request, services: ExtensionServicesDep, who: WhoDep) -> Response:
    """Make Flows, all or none; one may collect those before it."""
    new = parse_batch(await read_body(request), _flow)
    flows = await services.direct_creation.add_flows(who, new, is_batch=True)
    return json_response(flows_json(flows), 201)


@router.post("/objects")
async def reserve_object(request: Request, services: ExtensionServicesDep, who: WhoDep) -> Response:
    """Reserve the id of an Object to come."""
    new = vendor_object(read_object(await read_body(request)))
    [reserved] = await services.direct_creation.reserve_objects(who, [new])
    return json_response(reserved_json(reserved), 201)


@router.post("/objects/batch")
async def reserve_objects(
    request: Request, services: ExtensionServicesDep, who: WhoDep
) -> Response:
    """Reserve ids of Objects to come, all or none."""
    new = parse_batch(await read_body(request), vendor_object, MAX_OBJECTS)
    reserved = await services.direct_creation.reserve_objects(who, new, is_batch=True)
    return json_response(reserved_many_json(reserved), 201)


for _path in _LISTS:
    router.add_api_route(_path, get_methods, methods=["OPTIONS"], name=f"methods of {_path}")


def _source(document: dict[str, Any]) -> SourceMetadata:
    return vendor_source(document, _new_id)


def _flow(document: dict[str, Any]) -> FlowCommon:
    return vendor_flow(document, _new_id)


def _new_id() -> str:
    return str(uuid.uuid4())


EXTENSION = Extension(
    name="direct-creation",
    router=router,
    actions=tuple(Action("OPTIONS", path, frozenset(Scope)) for path in _LISTS),
)
