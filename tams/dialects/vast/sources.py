"""Sources in the vendor's shape."""

from __future__ import annotations

import json
import uuid
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, no_content, read_body
from tams.api.deps import ServicesDep, SizesDep, WhoDep
from tams.api.extension_deps import ExtensionServicesDep
from tams.api.query import Query
from tams.api.sources import source_query
from tams.dialects.vast.lists import listed, window_of
from tams.dialects.vast.manner import MannerDep, ShownDep
from tams.domain.sources import SourceMetadata
from tams.wire.batches import parse_batch
from tams.wire.technical import read_object
from tams.wire.trash import marks
from tams.wire.vast import moment, source_fields
from tams.wire.vendor_sources import vendor_source

router = APIRouter()
creation = APIRouter()

_SOURCE = "/sources/{resource_id:tams_id}"


@router.get("/sources")
async def list_sources(
    request: Request, services: ExtensionServicesDep, sizes: SizesDep, shown: ShownDep
) -> Response:
    """The Sources that pass the filters, newest first."""
    query = Query(request.scope["query_string"])
    window = window_of(query, sizes, ("created", "updated", "label"))
    if shown is not None:
        all_found = await services.windows.trashed_sources(source_query(query), window, shown)
        items = (
            source_fields(source) | marks(record, moment) for source, record in all_found.items
        )
        return listed(items, window, all_found.total)
    found = await services.windows.sources(source_query(query), window)
    return listed(map(source_fields, found.items), window, found.total)


@creation.post("/sources")
async def add_source(request: Request, services: ExtensionServicesDep, who: WhoDep) -> Response:
    """Make a Source, which stays until it is deleted."""
    new = _source(read_object(await read_body(request)))
    [source] = await services.direct_creation.add_sources(who, [new])
    return json_response(json.dumps(source_fields(source)).encode(), 201)


@creation.post("/sources/batch")
async def add_sources(request: Request, services: ExtensionServicesDep, who: WhoDep) -> Response:
    """Make Sources, all or none."""
    new = parse_batch(await read_body(request), _source)
    sources = await services.direct_creation.add_sources(who, new, is_batch=True)
    return json_response(json.dumps([source_fields(one) for one in sources]).encode(), 201)


@router.get(_SOURCE)
async def get_source(resource_id: str, services: ServicesDep) -> Response:
    """One Source."""
    source = await services.sources.get(resource_id)
    return json_response(json.dumps(source_fields(source)).encode())


@router.delete(_SOURCE)
async def delete_source(
    resource_id: str, services: ExtensionServicesDep, who: WhoDep, asked: MannerDep
) -> Response:
    """Delete a Source: with its Flows and so that it can be taken back, if nothing else is said."""
    await services.soft_deletion.delete_source(who, resource_id, asked)
    return no_content()


def _source(document: dict[str, Any]) -> SourceMetadata:
    return vendor_source(document, lambda: str(uuid.uuid4()))
