"""Streams of events are below `/vast` as at the root, and below no version of the standard."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp import WSServerHandshakeError

from tests.authority import bearer, token, visiting
from tests.streams import server_sent, socket, types

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("following", [socket, server_sent])
async def test_a_stream_below_vast_tells_what_happens(server, following):
    below = replace(server, base=f"{server.base}/vast")
    async with following(below, "?types=flows/created") as stream:
        flow = await server.flow()
        found = await stream.next()
    assert types([found]) == ["flows/created"]
    assert found["event"]["flow"]["id"] == flow["id"]


async def test_no_version_has_a_socket(api):
    with pytest.raises(WSServerHandshakeError) as refused:
        async with socket(api):
            pass
    assert refused.value.status == 403


async def test_a_socket_below_vast_asks_who_calls(tmp_path):
    async with visiting(tmp_path) as guarded:
        below = replace(guarded, base=f"{guarded.base}/vast")
        for shown, status in (({}, 401), (bearer(token("tams-api/write")), 403)):
            caller = replace(below, headers=shown)
            with pytest.raises(WSServerHandshakeError) as refused:
                async with socket(caller, **shown):
                    pass
            assert refused.value.status == status
        shown = bearer(token("tams-api/read"))
        async with socket(below, **shown):
            pass
