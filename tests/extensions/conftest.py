"""Flows for the tests of extensions."""

from __future__ import annotations

import pytest

from tests.lasting import OVER_HTTP, make_lasting_catalogue


@pytest.fixture(scope="module", params=OVER_HTTP)
def lasting_catalogue_url(request, tmp_path_factory):
    """A catalogue that the tests of one file share."""
    return make_lasting_catalogue(request, tmp_path_factory)


@pytest.fixture
def flow(server):
    async def make(**fields):
        return (await server.flow(**{"container": "video/mp4", **fields}))["id"]

    return make
