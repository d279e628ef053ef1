"""A server that deletes some at once and some later, and the versions that it speaks."""

from __future__ import annotations

from dataclasses import replace

import pytest
import pytest_asyncio

from tams.conformance.official import VERSIONS
from tests.lasting import OVER_HTTP, make_lasting_catalogue
from tests.serving import serving

AT_ONCE = 1
"""How many Segments are deleted before the answer."""


@pytest.fixture(scope="module", params=OVER_HTTP)
def lasting_catalogue_url(request, tmp_path_factory):
    """A catalogue that the tests of one file share."""
    return make_lasting_catalogue(request, tmp_path_factory)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(lasting_catalogue_url, tmp_path_factory):
    """The whole server over HTTP, on each engine; the tests of one file share it."""
    folder = tmp_path_factory.mktemp("served")
    async with serving(
        folder, lasting_catalogue_url, async_deletion_threshold=str(AT_ONCE)
    ) as served:
        yield served


@pytest.fixture(params=VERSIONS)
def version(request):
    """Each version of the API."""
    return request.param


@pytest.fixture
def speak(server):
    """Gives the same server under the base path of a version."""
    return lambda version: replace(server, base=f"{server.base}/v{version}", version=version)


@pytest.fixture
def api(speak, version):
    """The server under the base path of each version."""
    return speak(version)
