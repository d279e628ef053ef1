"""Deletions that can be taken back, that spare or take dependents, and that are recorded."""

from __future__ import annotations

from typing import ClassVar

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, no_content
from tams.api.deletions import deleted
from tams.api.deps import SizesDep, WhoDep
from tams.api.extension_deps import ExtensionServicesDep
from tams.api.flows import flow_query
from tams.api.manner import deleted_shown, manner, meant
from tams.api.paging import api_url, paging_headers
from tams.api.query import Query
from tams.api.segments import segment_query
from tams.api.sources import source_query
from tams.domain.access import Action, Scope
from tams.domain.trash import Manner
from tams.extensions.base import Extension, ParameterRoute
from tams.wire.deletions import requests_json
from tams.wire.trash import records_json, trashed_flows_json, trashed_sources_json

_ADMIN = frozenset({Scope.ADMIN})
_DELETE = _ADMIN | {Scope.DELETE}


class MannerRoute(ParameterRoute):
    """For a DELETE that says how, or means to."""

    @classmethod
    def _is_one(cls, name: bytes) -> bool:
        return meant(name.decode("latin-1")) is not None


class ShownRoute(ParameterRoute):
    """For a list that is to show what was deleted."""

    parameters: ClassVar[frozenset[bytes]] = frozenset({b"deleted"})


_TAGS = ["Extension: soft deletion"]
router = APIRouter(tags=[*_TAGS])
_deletes = APIRouter(tags=[*_TAGS], route_class=MannerRoute)
_lists = APIRouter(tags=[*_TAGS], route_class=ShownRoute)


@router.delete("/sources/{resource_id:tams_id}")
async def delete_source(
    resource_id: str, request: Request, services: ExtensionServicesDep, who: WhoDep
) -> Response:
    """Delete a Source; with `cascade`, its Flows too."""
    manner = _manner(request, cascade=False)
    requests = await services.soft_deletion.delete_source(who, resource_id, manner)
    if not requests:
        return no_content()
    location = f"{api_url(request)}/flow-delete-requests"
    return json_response(requests_json(requests), 202, {"Location": location})


@_deletes.delete("/flows/{resource_id:tams_id}")
async def delete_flow_in_manner(
    resource_id: str, request: Request, services: ExtensionServicesDep, who: WhoDep
) -> Response:
    """Delete a Flow in the manner that is asked for."""
    manner = _manner(request, cascade=True)
    return deleted(request, await services.soft_deletion.delete_flow(who, resource_id, manner))


@_deletes.delete("/flows/{flow_id:tams_id}/segments")
async def delete_segments_in_manner(
    flow_id: str, request: Request, services: ExtensionServicesDep, who: WhoDep
) -> Response:
    """Delete the Segments that lie completely within `timerange`, in that manner."""
    manner = _manner(request, cascade=True)
    asked = segment_query(Query(request.scope["query_string"]))
    request_ = await services.soft_deletion.delete_segments(who, flow_id, asked, manner)
    return deleted(request, request_)


@router.delete("/objects/{object_id:text}")
async def delete_object(
    object_id: str, request: Request, services: ExtensionServicesDep, who: WhoDep
) -> Response:
    """Delete an Object that no Segment was registered for."""
    manner = _manner(request, cascade=False)
    await services.soft_deletion.delete_object(who, object_id, manner)
    return no_content()


@router.post("/sources/{resource_id:tams_id}/restore")
async def restore_source(resource_id: str, services: ExtensionServicesDep) -> Response:
    """Take the last soft deletion of a Source back."""
    await services.restoration.restore_source(resource_id)
    return no_content()


@router.post("/flows/{resource_id:tams_id}/restore")
async def restore_flow(resource_id: str, services: ExtensionServicesDep) -> Response:
    """Take the last soft deletion of a Flow back."""
    await services.restoration.restore_flow(resource_id)
    return no_content()


@router.post("/flows/{flow_id:tams_id}/segments/restore")
async def restore_segments(flow_id: str, services: ExtensionServicesDep) -> Response:
    """Take the last soft deletion of Segments of a Flow back."""
    await services.restoration.restore_segments(flow_id)
    return no_content()


@router.post("/objects/{object_id:text}/restore")
async def restore_object(object_id: str, services: ExtensionServicesDep) -> Response:
    """Take the last soft deletion of an Object back."""
    await services.restoration.restore_object(object_id)
    return no_content()


@_lists.get("/sources")
async def list_deleted_sources(
    request: Request, services: ExtensionServicesDep, sizes: SizesDep, who: WhoDep
) -> Response:
    """A page of Sources, with those that were deleted and can be restored, or of these alone."""
    query = Query(request.scope["query_string"])
    shown = deleted_shown(query, who)
    asked = sizes.request(query, ("created", "updated", "label"))
    page = await services.trash.sources(source_query(query), asked, shown)
    body = trashed_sources_json(page.items)
    return json_response(body, headers=paging_headers(request, asked, page))


@_lists.get("/flows")
async def list_deleted_flows(
    request: Request, services: ExtensionServicesDep, sizes: SizesDep, who: WhoDep
) -> Response:
    """The same for Flows."""
    query = Query(request.scope["query_string"])
    shown = deleted_shown(query, who)
    asked = sizes.request(query, ("created", "metadata_updated", "label"))
    page = await services.trash.flows(flow_query(query), asked, shown)
    body = trashed_flows_json(page.items)
    return json_response(body, headers=paging_headers(request, asked, page))


@router.get("/deletions")
async def list_deletions(
    request: Request, services: ExtensionServicesDep, sizes: SizesDep
) -> Response:
    """A page of what was deleted: when, by whom, how, and what became of it."""
    asked = sizes.request(Query(request.scope["query_string"]))
    page = await services.trash.list(asked)
    return json_response(records_json(page.items), headers=paging_headers(request, asked, page))


def _manner(request: Request, *, cascade: bool) -> Manner:
    return manner(Query(request.scope["query_string"]), cascade=cascade)


router.routes.extend([*_deletes.routes, *_lists.routes])

EXTENSION = Extension(
    name="soft-deletion",
    router=router,
    actions=(
        Action("POST", "/sources/{sourceId}/restore", _DELETE),
        Action("POST", "/flows/{flowId}/restore", _DELETE),
        Action("POST", "/flows/{flowId}/segments/restore", _DELETE),
        Action("POST", "/objects/{objectId}/restore", _DELETE),
        Action("GET", "/deletions", _ADMIN),
    ),
)
