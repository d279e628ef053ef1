"""The root speaks the standard; beside it there is what the product names as its own."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import iter_route_contexts

from tests.official import MISSING, document

pytestmark = pytest.mark.asyncio(loop_scope="module")

OURS = {
    "/media/{}/{}": {"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"},
    "/health": {"GET"},
    "/health/live": {"GET"},
    "/health/ready": {"GET"},
    "/docs": {"GET", "HEAD"},
    "/redoc": {"GET", "HEAD"},
    "/openapi.json": {"GET", "HEAD"},
    "/token": {"POST"},
}


def _nameless(path):
    return re.sub(r"\{[^}]*\}", "{}", path)


async def test_the_paths_are_those_of_the_standard_and_those_named_ours(server):
    official = document()
    if official is None:
        pytest.skip(MISSING)
    wanted = {
        _nameless(path): {method.upper() for method in operations}
        & {"GET", "PUT", "POST", "DELETE"}
        for path, operations in official.paths.items()
    }
    found: dict[str, set[str]] = {}
    for route in iter_route_contexts(server.app.routes):
        found.setdefault(_nameless(route.path), set()).update(route.methods)
    assert found == wanted | OURS


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/flows/", "/sources/", "//flows", "/flows//segments", "/service/", "/v8.2"],
)
async def test_nothing_else_lives_at_the_root(server, path):
    (await server.get(path)).is_status(404)


async def test_documents_of_the_api_are_served(server):
    assert "text/html" in (await server.get("/docs")).is_status(200).headers["Content-Type"]
    assert "/flows/{resource_id}" in (await server.read("/openapi.json"))["paths"]
