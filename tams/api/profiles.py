"""`/service/profiles` and `/service/profiles/{profileId}`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, read_body
from tams.api.deps import ServicesDep, SizesDep, WhoDep
from tams.api.paging import paging_headers
from tams.api.query import Query
from tams.domain.profiles import ProfileQuery
from tams.domain.sources import ContentFormat
from tams.errors import Invalid
from tams.wire.profiles import parse_profile, profile_json, profiles_json

router = APIRouter(tags=["Profiles"])

_PROFILE = "/service/profiles/{profile_id:tams_id}"


@router.get("/service/profiles")
async def list_profiles(request: Request, services: ServicesDep, sizes: SizesDep) -> Response:
    """A page of the Profiles that pass the filters."""
    query = Query(request.scope["query_string"])
    asked = sizes.request(query)
    wanted = ProfileQuery(
        format=query.choice("format", ContentFormat),
        codec=query.mime_type("codec"),
        label=query.text("label"),
    )
    page = await services.profiles.list(wanted, asked)
    return json_response(profiles_json(page.items), headers=paging_headers(request, asked, page))


@router.get(_PROFILE)
async def get_profile(profile_id: str, services: ServicesDep) -> Response:
    """One Profile."""
    return json_response(profile_json(await services.profiles.get(profile_id)))


@router.post(_PROFILE)
async def create_profile(
    profile_id: str, request: Request, services: ServicesDep, who: WhoDep
) -> Response:
    """Create a Profile, which then never changes."""
    metadata = parse_profile(await read_body(request))
    if metadata.id != profile_id:
        raise Invalid("id", metadata.id, f"it must be the id in the path, {profile_id}")
    return json_response(profile_json(await services.profiles.create(who, metadata)), 201)
