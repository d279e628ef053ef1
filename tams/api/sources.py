"""`/sources` and everything under it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response
from tams.api.deps import Services, ServicesDep, SizesDep
from tams.api.paging import paging_headers
from tams.api.properties import add_property, add_tags
from tams.api.query import Query
from tams.domain.sources import ContentFormat, SourceQuery
from tams.services.sources import Sources
from tams.wire.sources import source_json, sources_json
from tams.wire.values import parse_text

router = APIRouter(tags=["Sources"])

_SOURCE = "/sources/{resource_id:tams_id}"


def _sources(services: Services) -> Sources:
    return services.sources


@router.get("/sources")
async def list_sources(request: Request, services: ServicesDep, sizes: SizesDep) -> Response:
    """A page of the Sources that pass the filters."""
    query = Query(request.scope["query_string"])
    asked = sizes.request(query, ("created", "updated", "label"))
    page = await services.sources.list(source_query(query), asked)
    return json_response(sources_json(page.items), headers=paging_headers(request, asked, page))


def source_query(query: Query) -> SourceQuery:
    """The filters of a listing of Sources."""
    return SourceQuery(
        label=query.text("label"),
        format=query.choice("format", ContentFormat),
        tags=query.tags(),
        collected_by=query.uuids("collected_by_ids"),
    )


@router.get(_SOURCE)
async def get_source(resource_id: str, services: ServicesDep) -> Response:
    """One Source."""
    return json_response(source_json(await services.sources.get(resource_id)))


add_tags(router, _SOURCE, _sources)
add_property(router, _SOURCE, "label", parse_text, _sources)
add_property(router, _SOURCE, "description", parse_text, _sources)
