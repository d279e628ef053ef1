"""The vendor's paths for webhooks and deletion requests, beside the standard's."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from tams.api import deletions, webhooks
from tams.api.bodies import json_response, read_body
from tams.api.deps import ServicesDep, WhoDep
from tams.api.paging import api_url
from tams.domain.access import Action, Scope
from tams.domain.segments import SegmentQuery
from tams.extensions.base import Extension
from tams.wire.deletions import parse_deletion, request_json

router = APIRouter(tags=["Extension: aliases"])

_REQUESTS = "/deletion-requests"
_ALIASES = {"/webhooks": "/service/webhooks", _REQUESTS: "/flow-delete-requests"}


def _add_aliases(standard: APIRouter) -> None:
    """Serve each route of the standard at its other path too, by the same function."""
    for route in standard.routes:
        if not isinstance(route, APIRoute):
            continue
        for alias, path in _ALIASES.items():
            if route.path.startswith(path):
                router.add_api_route(
                    alias + route.path.removeprefix(path),
                    route.endpoint,
                    methods=list(route.methods or ()),
                    name=f"{route.name} as {alias}",
                )


for _standard in (webhooks.router, deletions.router):
    _add_aliases(_standard)


@router.post(_REQUESTS)
async def add_deletion(request: Request, services: ServicesDep, who: WhoDep) -> Response:
    """Delete a Flow, or its Segments within a timerange, and tell how far that is."""
    flow_id, timerange = parse_deletion(await read_body(request))
    if timerange is None:
        made = await services.deletions.delete_flow(who, flow_id, recorded=True)
    else:
        query = SegmentQuery(timerange)
        made = await services.deletions.delete_segments(who, flow_id, query, recorded=True)
    if made is None:
        raise RuntimeError("a deletion that is recorded has a request")
    location = f"{api_url(request)}{_REQUESTS}/{made.id}"
    return json_response(request_json(made), 201, {"Location": location})


EXTENSION = Extension(
    name="aliases",
    router=router,
    actions=(Action("POST", _REQUESTS, frozenset({Scope.ADMIN, Scope.DELETE})),),
    aliases=_ALIASES,
)
