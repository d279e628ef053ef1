"""The child endpoints that Sources and Flows share: single properties, and tags."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, no_content, read_body
from tams.api.deps import Services, ServicesDep, WhoDep
from tams.domain.access import Principal
from tams.domain.tags import with_tag, without_tag
from tams.errors import NotFound
from tams.wire.values import parse_tag


class Resources(Protocol):
    """A service whose resources can be read and changed by id."""

    @property
    def get(self) -> Callable[[str], Awaitable[Any]]:
        """Return a resource; raises `NotFound`."""

    @property
    def change(self) -> Callable[[Principal, str, Callable[[Any], Any]], Awaitable[None]]:
        """Replace a resource by what the function makes of it; raises `NotFound`."""


Choose = Callable[[Services], Resources]
Assign = Callable[[Any, str, object], Any]
"""Gives a resource with the named property set, or unset by None."""


def _assign(resource: Any, name: str, value: object) -> Any:  # noqa: ANN401 - either noun
    return replace(resource, **{name: value})


def add_property(
    router: APIRouter,
    path: str,
    name: str,
    parse: Callable[[bytes, str], object],
    choose: Choose,
    assign: Assign = _assign,
) -> None:
    """Serve GET, PUT and DELETE of one property; GET of an unset one is null (statement 94)."""

    @router.get(f"{path}/{name}", name=f"get {name}")
    async def get_property(resource_id: str, services: ServicesDep) -> Response:
        resource = await choose(services).get(resource_id)
        return json_response(json.dumps(getattr(resource, name)).encode())

    @router.put(f"{path}/{name}", name=f"set {name}")
    async def put_property(
        resource_id: str, request: Request, services: ServicesDep, who: WhoDep
    ) -> Response:
        value = parse(await read_body(request), name)
        await choose(services).change(who, resource_id, lambda old: assign(old, name, value))
        return no_content()

    @router.delete(f"{path}/{name}", name=f"unset {name}")
    async def delete_property(resource_id: str, services: ServicesDep, who: WhoDep) -> Response:
        await choose(services).change(who, resource_id, lambda old: assign(old, name, None))
        return no_content()


def add_tags(router: APIRouter, path: str, choose: Choose) -> None:
    """Serve the tags as a whole, and GET, PUT and DELETE of each."""
    one = f"{path}/tags/{{name:text}}"

    @router.get(f"{path}/tags")
    async def get_tags(resource_id: str, services: ServicesDep) -> Response:
        resource = await choose(services).get(resource_id)
        return json_response(json.dumps(dict(resource.tags)).encode())

    @router.get(one)
    async def get_tag(resource_id: str, name: str, services: ServicesDep) -> Response:
        tags = (await choose(services).get(resource_id)).tags
        if name not in tags:
            raise NotFound("tag", name)
        return json_response(json.dumps(tags[name]).encode())

    @router.put(one)
    async def put_tag(
        resource_id: str, name: str, request: Request, services: ServicesDep, who: WhoDep
    ) -> Response:
        value = parse_tag(await read_body(request), name)
        await choose(services).change(
            who, resource_id, lambda old: replace(old, tags=with_tag(old.tags, name, value))
        )
        return no_content()

    @router.delete(one)
    async def delete_tag(
        resource_id: str, name: str, services: ServicesDep, who: WhoDep
    ) -> Response:
        await choose(services).change(
            who, resource_id, lambda old: replace(old, tags=without_tag(old.tags, name))
        )
        return no_content()
