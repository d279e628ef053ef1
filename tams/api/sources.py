"""`/sources` and everything under it."""

from __future__ import annotations

import json
from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, no_content, read_body
from tams.api.deps import ServicesDep, SizesDep, WhoDep
from tams.api.paging import paging_headers
from tams.api.query import Query
from tams.domain.sources import ContentFormat, SourceQuery
from tams.domain.tags import with_tag, without_tag
from tams.errors import NotFound
from tams.wire.sources import source_json, sources_json
from tams.wire.values import parse_tag, parse_text

router = APIRouter()

_SOURCE = "/sources/{source_id:tams_id}"


@router.get("/sources")
async def list_sources(request: Request, services: ServicesDep, sizes: SizesDep) -> Response:
    """A page of the Sources that pass the filters."""
    query = Query(request.scope["query_string"])
    asked = sizes.request(query, ("created", "updated", "label"))
    page = await services.sources.list(
        SourceQuery(
            label=query.text("label"),
            format=query.choice("format", ContentFormat),
            tags=query.tags(),
            collected_by=query.uuids("collected_by_ids"),
        ),
        asked,
    )
    return json_response(sources_json(page.items), headers=paging_headers(request, asked, page))


@router.get(_SOURCE)
async def get_source(source_id: str, services: ServicesDep) -> Response:
    """One Source."""
    return json_response(source_json(await services.sources.get(source_id)))


@router.get(f"{_SOURCE}/tags")
async def get_source_tags(source_id: str, services: ServicesDep) -> Response:
    """The Source's tags."""
    source = await services.sources.get(source_id)
    return json_response(json.dumps(dict(source.tags)).encode())


@router.get(f"{_SOURCE}/tags/{{name:text}}")
async def get_source_tag(source_id: str, name: str, services: ServicesDep) -> Response:
    """One tag's value."""
    tags = (await services.sources.get(source_id)).tags
    if name not in tags:
        raise NotFound("tag", name)
    return json_response(json.dumps(tags[name]).encode())


@router.put(f"{_SOURCE}/tags/{{name:text}}")
async def put_source_tag(
    source_id: str, name: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """Create or replace a tag."""
    value = parse_tag(await read_body(request), name)
    await services.sources.change(
        who, source_id, lambda source: replace(source, tags=with_tag(source.tags, name, value))
    )
    return no_content()


@router.delete(f"{_SOURCE}/tags/{{name:text}}")
async def delete_source_tag(
    source_id: str, name: str, services: ServicesDep, who: WhoDep
) -> Response:
    """Remove a tag."""
    await services.sources.change(
        who, source_id, lambda source: replace(source, tags=without_tag(source.tags, name))
    )
    return no_content()


@router.get(f"{_SOURCE}/label")
async def get_source_label(source_id: str, services: ServicesDep) -> Response:
    """The label; null where it is unset (decision on statement 94)."""
    return json_response(json.dumps((await services.sources.get(source_id)).label).encode())


@router.put(f"{_SOURCE}/label")
async def put_source_label(
    source_id: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """Set the label."""
    label = parse_text(await read_body(request), "label")
    await services.sources.change(who, source_id, lambda source: replace(source, label=label))
    return no_content()


@router.delete(f"{_SOURCE}/label")
async def delete_source_label(source_id: str, services: ServicesDep, who: WhoDep) -> Response:
    """Unset the label."""
    await services.sources.change(who, source_id, lambda source: replace(source, label=None))
    return no_content()


@router.get(f"{_SOURCE}/description")
async def get_source_description(source_id: str, services: ServicesDep) -> Response:
    """The description; null where it is unset."""
    source = await services.sources.get(source_id)
    return json_response(json.dumps(source.description).encode())


@router.put(f"{_SOURCE}/description")
async def put_source_description(
    source_id: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """Set the description."""
    text = parse_text(await read_body(request), "description")
    await services.sources.change(who, source_id, lambda source: replace(source, description=text))
    return no_content()


@router.delete(f"{_SOURCE}/description")
async def delete_source_description(
    source_id: str, services: ServicesDep, who: WhoDep
) -> Response:
    """Unset the description."""
    await services.sources.change(who, source_id, lambda source: replace(source, description=None))
    return no_content()
