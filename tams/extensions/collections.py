"""Collections by name: Flows, or Sources, that belong together for whoever says so."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, no_content, read_body
from tams.api.deps import SizesDep, WhoDep
from tams.api.extension_deps import ExtensionServicesDep
from tams.api.paging import paging_headers
from tams.api.query import Query
from tams.domain.access import Action, Scope
from tams.domain.named_collections import Member
from tams.extensions.base import Extension
from tams.wire.flows import flows_json
from tams.wire.named_collections import (
    named_collection_json,
    named_collections_json,
    parse_collection_ids,
    parse_named_collection,
)
from tams.wire.sources import sources_json

router = APIRouter(tags=["Extension: collections"])

_KINDS: dict[str, Member] = {"/collections": "flow", "/source-collections": "source"}
_OF_SOURCE = "/sources/{source_id:tams_id}/source_collection"


def _add_collections(path: str, holds: Member) -> None:
    one = f"{path}/{{collection_id:tams_id}}"

    @router.get(path, name=f"list {holds} collections")
    async def list_collections(
        request: Request, services: ExtensionServicesDep, sizes: SizesDep
    ) -> Response:
        """A page of the collections, of one `label` if that is asked for."""
        query = Query(request.scope["query_string"])
        asked = sizes.request(query, ("created", "updated", "label"))
        page = await services.named_collections.list(holds, query.text("label"), asked)
        body = named_collections_json(page.items)
        return json_response(body, headers=paging_headers(request, asked, page))

    @router.post(path, name=f"add {holds} collection")
    async def add_collection(
        request: Request, services: ExtensionServicesDep, who: WhoDep
    ) -> Response:
        """Make a collection."""
        new = parse_named_collection(await read_body(request), holds)
        collection = await services.named_collections.add(who, holds, new)
        return json_response(named_collection_json(collection), 201)

    @router.get(one, name=f"get {holds} collection")
    async def get_collection(collection_id: str, services: ExtensionServicesDep) -> Response:
        """One collection."""
        collection = await services.named_collections.get(holds, collection_id)
        return json_response(named_collection_json(collection))

    @router.delete(one, name=f"delete {holds} collection")
    async def delete_collection(collection_id: str, services: ExtensionServicesDep) -> Response:
        """Delete a collection and none of its members."""
        await services.named_collections.remove(holds, collection_id)
        return no_content()


def _add_members(path: str, holds: Member) -> None:
    member = f"{path}/{{collection_id:tams_id}}/{holds}s/{{member_id:tams_id}}"

    @router.put(member, name=f"put {holds} into collection")
    async def put_member(
        collection_id: str, member_id: str, services: ExtensionServicesDep, who: WhoDep
    ) -> Response:
        """Let a collection have a member."""
        await services.named_collections.put_in(who, holds, collection_id, member_id)
        return no_content()

    @router.delete(member, name=f"take {holds} out of collection")
    async def take_member(
        collection_id: str, member_id: str, services: ExtensionServicesDep, who: WhoDep
    ) -> Response:
        """Take a member out of a collection."""
        await services.named_collections.take_out(who, holds, collection_id, member_id)
        return no_content()


for _path, _holds in _KINDS.items():
    _add_collections(_path, _holds)
    _add_members(_path, _holds)


@router.get("/collections/{collection_id:tams_id}/flows")
async def list_flows(
    collection_id: str, request: Request, services: ExtensionServicesDep, sizes: SizesDep
) -> Response:
    """A page of the Flows of a collection, in its order."""
    asked = sizes.request(Query(request.scope["query_string"]))
    page = await services.named_collections.flows(collection_id, asked)
    return json_response(flows_json(page.items), headers=paging_headers(request, asked, page))


@router.get("/source-collections/{collection_id:tams_id}/sources")
async def list_sources(
    collection_id: str, request: Request, services: ExtensionServicesDep, sizes: SizesDep
) -> Response:
    """A page of the Sources of a collection, in its order."""
    asked = sizes.request(Query(request.scope["query_string"]))
    page = await services.named_collections.sources(collection_id, asked)
    return json_response(sources_json(page.items), headers=paging_headers(request, asked, page))


@router.get(_OF_SOURCE)
async def get_collections_of_source(source_id: str, services: ExtensionServicesDep) -> Response:
    """The ids of the collections that a Source is in."""
    ids = await services.named_collections.of_source(source_id)
    return json_response(json.dumps(list(ids)).encode())


@router.put(_OF_SOURCE)
async def put_collections_of_source(
    source_id: str, request: Request, services: ExtensionServicesDep, who: WhoDep
) -> Response:
    """Let a Source be in these collections and no others."""
    ids = parse_collection_ids(await read_body(request))
    await services.named_collections.put_source(who, source_id, ids)
    return no_content()


_WRITE = frozenset({Scope.ADMIN, Scope.WRITE})

EXTENSION = Extension(
    name="collections",
    router=router,
    # A member that is taken out goes on: that is a change of the collection.
    actions=tuple(
        Action("DELETE", f"{path}/{{collectionId}}/{holds}s/{{memberId}}", _WRITE)
        for path, holds in _KINDS.items()
    ),
)
