"""Browsers: preflights on every path, and the headers that scripts may read (statement 259)."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

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
