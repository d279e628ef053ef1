"""Flows for the tests of extensions."""

from __future__ import annotations

import pytest


@pytest.fixture
def flow(server):
    async def make(**fields):
        return (await server.flow(**{"container": "video/mp4", **fields}))["id"]

    return make
