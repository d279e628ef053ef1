"""The root speaks the standard; beside it there is what the product names as its own."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import iter_route_contexts

from tams.app.extensions import NAMES, chosen
from tams.errors import BadSettings
from tams.settings import IN_MEMORY
from tests.official import MISSING, document
from tests.serving import serving

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


def _by_path(routes):
    found: dict[str, set[str]] = {}
    for route in iter_route_contexts(routes):
        found.setdefault(_nameless(route.path), set()).update(route.methods or {"GET"})
    return found


@pytest.fixture
def standard():
    """The paths of the official document, with their methods."""
    official = document()
    if official is None:
        pytest.skip(MISSING)
    return {
        _nameless(path): {method.upper() for method in operations}
        & {"GET", "PUT", "POST", "DELETE"}
        for path, operations in official.paths.items()
    }


async def test_without_extensions_the_paths_are_the_standards_and_those_named_ours(
    standard, tmp_path
):
    async with serving(tmp_path, IN_MEMORY, extensions="none") as plain:
        assert _by_path(plain.app.routes) == standard | OURS
        assert "extensions" not in await plain.read("/service")


async def test_extensions_add_their_own_paths_and_methods_alone(standard, server):
    added = _by_path(
        [route for each in server.app.state.extensions for route in each.router.routes]
    )
    wanted = standard | OURS
    for path, methods in added.items():
        wanted[path] = wanted.get(path, set()) | methods
    assert _by_path(server.app.routes) == wanted
    assert (await server.read("/service"))["extensions"] == list(NAMES)


@pytest.mark.parametrize("setting", ["", "whole-tag", "whole-tags,all", "none,whole-tags"])
async def test_an_unknown_extension_stops_the_start(setting):
    with pytest.raises(BadSettings, match=r"TAMS_EXTENSIONS: .* whole-tags"):
        chosen(setting)


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/flows/", "/sources/", "//flows", "/flows//segments", "/service/", "/v8.2"],
)
async def test_nothing_else_lives_at_the_root(server, path):
    (await server.get(path)).is_status(404)


async def test_documents_of_the_api_are_served(server):
    assert "text/html" in (await server.get("/docs")).is_status(200).headers["Content-Type"]
    assert "/flows/{resource_id}" in (await server.read("/openapi.json"))["paths"]
