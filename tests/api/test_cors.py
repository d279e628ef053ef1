"""Browsers: preflights on every path, and the headers that scripts may read (statement 259)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tams import extensions
from tams.settings import IN_MEMORY
from tests.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXTENSIONS = Path(extensions.__file__).parent
FOR_PROXIES = {"X-Accel-Buffering"}
ORIGIN = {"Origin": "https://editor.example"}
FLOW = "/flows/8a3f9c1e-6a52-4b4c-9f0e-111111111111"
PATHS = [
    ("/", "GET"),
    ("/service", "POST"),
    ("/sources", "GET"),
    (FLOW, "PUT"),
    (FLOW, "DELETE"),
    (f"{FLOW}/tags/a%2Fb", "PUT"),
    (f"{FLOW}/segments?timerange=_", "DELETE"),
    (f"{FLOW}/storage", "POST"),
    ("/objects/a%2Fb", "HEAD"),
    ("/media/x/y", "GET"),
    ("/media/x/y", "PUT"),
    ("/health", "GET"),
    ("/no/such/path", "GET"),
]


def _names(header):
    return {name.strip().lower() for name in header.split(",")}


@pytest.mark.parametrize(
    "asked", ["Authorization", "Content-Type", "Range", "x-amz-checksum-sha256"]
)
@pytest.mark.parametrize(("path", "method"), PATHS)
async def test_a_preflight_without_credentials_is_answered_on_every_path(
    server, path, method, asked
):
    preflight = {
        **ORIGIN,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": f"authorization, {asked.lower()}",
    }
    answer = (await server.request("OPTIONS", path, headers=preflight)).is_status(200, 204)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert method in answer.headers["Access-Control-Allow-Methods"]
    # By name: a star does not cover Authorization.
    assert {"authorization", asked.lower()} <= _names(
        answer.headers["Access-Control-Allow-Headers"]
    )


@pytest.mark.parametrize("path", ["/flows", "/flows/no-id", "/media/x/y"])
async def test_answers_and_refusals_can_be_read_by_scripts(server, path):
    answer = await server.get(path, headers=ORIGIN)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert _names(answer.headers["Access-Control-Expose-Headers"]) >= {
        "link",
        "location",
        "content-range",
        "x-paging-limit",
        "x-paging-nextkey",
        "x-paging-count",
        "x-paging-reverse-order",
        "x-paging-timerange",
    }


async def test_the_headers_of_extensions_can_be_read_by_scripts(server):
    answer = await server.get("/events", headers=ORIGIN)
    exposed = _names(answer.headers["Access-Control-Expose-Headers"])
    found = {name.lower() for name in answer.headers if name.lower().startswith("x-")}
    assert "x-tams-last-event-id" in found
    assert found <= exposed
    code = "".join(path.read_text() for path in EXTENSIONS.glob("*.py"))
    named = set(re.findall(r'"(X-[A-Za-z-]+)"', code)) - FOR_PROXIES
    assert {name.lower() for name in named} <= exposed


async def test_h028_origins_credentials_methods_and_headers_are_settings(tmp_path):
    chosen = {
        "cors_origins": "https://editor.example, https://other.example",
        "cors_credentials": "true",
        "cors_methods": "GET,HEAD",
        "cors_headers": "Authorization",
    }
    preflight = {"Access-Control-Request-Method": "GET"}
    async with serving(tmp_path, IN_MEMORY, **chosen) as chosen_server:
        answer = await chosen_server.get("/flows", headers=ORIGIN)
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        asked = {**ORIGIN, **preflight, "Access-Control-Request-Headers": "authorization"}
        answer = await chosen_server.request("OPTIONS", "/flows", headers=asked)
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD"
        for refused in (
            {"Origin": "https://elsewhere.example"},
            {"Access-Control-Request-Method": "DELETE"},
            {"Access-Control-Request-Headers": "x-own"},
        ):
            answer = await chosen_server.request("OPTIONS", "/flows", headers=asked | refused)
            assert answer.status == 400
        elsewhere = {"Origin": "https://elsewhere.example"}
        answer = await chosen_server.get("/flows", headers=elsewhere)
        assert "Access-Control-Allow-Origin" not in answer.headers
