"""The root speaks the standard; beside it there is what the product names as its own."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import iter_route_contexts

from tams.app.dialects import NAMES as DIALECTS
from tams.app.dialects import chosen as chosen_dialects
from tams.app.extensions import NAMES, chosen
from tams.conformance.official import VERSIONS
from tams.conformance.server import new_id
from tams.errors import BadSettings
from tams.settings import IN_MEMORY
from tests.official import MISSING, document
from tests.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

METHODS = ("GET", "PUT", "POST", "DELETE")
OURS = {
    "/media/{}/{}": {"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"},
    "/health": {"GET", "OPTIONS"},
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


def _official(version):
    """The paths of a version's document, with their methods."""
    official = document(version)
    if official is None:
        pytest.skip(MISSING)
    return {
        _nameless(path): {method.upper() for method in operations} & set(METHODS)
        for path, operations in official.paths.items()
    }


@pytest.fixture
def standard():
    """Those of the present one."""
    return _official("8.2")


async def test_without_extensions_the_paths_are_the_standards_and_those_named_ours(
    standard, tmp_path
):
    off = {"extensions": "none", "dialects": "none"}
    async with serving(tmp_path, IN_MEMORY, **off) as plain:
        assert _by_path(plain.app.routes) == standard | OURS
        assert "extensions" not in await plain.read("/service")
        for name in DIALECTS:
            for path in ("", "/", "/service", "/flows"):
                assert await _leads_nowhere(plain, "GET", f"/{name}{path}")


async def _leads_nowhere(server, method, path):
    answer = await server.request(method, path)
    unknown = answer.status == 404 and "is no path of this API" in answer.json["summary"]
    return unknown or answer.status == 405


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_version_has_the_operations_of_its_document_and_no_other(server, version):
    wanted = {(method, path) for path, some in _official(version).items() for method in some}
    every = {*OURS, *_by_path(server.app.routes), *(p for v in VERSIONS for p in _official(v))}
    found = {
        (method, path)
        for path in every - {"/objects/batch"}  # an Object like any other, in a version
        for method in METHODS
        if not await _leads_nowhere(server, method, f"/v{version}{path.format(*[new_id()] * 9)}")
    }
    assert found == wanted


async def test_the_base_paths_that_are_on_are_there(tmp_path):
    async with serving(tmp_path, IN_MEMORY, dialects="v7.0, v8.1") as some:
        for name in DIALECTS:
            is_there = not await _leads_nowhere(some, "GET", f"/{name}/service")
            assert is_there is (name in ("v7.0", "v8.1"))


@pytest.mark.parametrize("setting", ["", "7.0", "v7.0,all", "none,v7.0", "v5.0"])
async def test_an_unknown_dialect_stops_the_start(setting):
    with pytest.raises(BadSettings, match=r"TAMS_DIALECTS: .* v7\.0"):
        chosen_dialects(setting)


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
    [
        *("/nothing", "/flows/", "/sources/", "//flows", "/flows//segments", "/service/"),
        *(
            "/v9.0",
            "/v8.2x/flows",
            "/v8.2/v8.2/flows",
            "/v7.0//flows",
            "/v7.0/flows/",
            "/vast/nothing",
        ),
    ],
)
async def test_nothing_else_lives_at_the_root(server, path):
    (await server.get(path)).is_status(404)


async def test_documents_of_the_api_are_served(server):
    assert "text/html" in (await server.get("/docs")).is_status(200).headers["Content-Type"]
    assert "/flows/{resource_id}" in (await server.read("/openapi.json"))["paths"]
