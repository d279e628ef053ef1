"""A server furnished for tests of bad input, which must leave it as it was; and one of `/media`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tams.storage.local import LocalStorage
from tams.storage.signing import MediaUrls
from tests.api.media_store import Store
from tests.api.refusals import furnish
from tests.media_server import BACKEND, SECRET, StoppedClock, serving


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def furnishing(server):
    return await furnish(server)


@pytest_asyncio.fixture(loop_scope="module")
async def furnished(furnishing):
    """A furnished server, in which the test that uses it may change nothing."""
    before = await furnishing.ledger()
    yield furnishing
    assert await furnishing.ledger() == before


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def store(tmp_path: Path, clock: StoppedClock) -> AsyncIterator[Store]:
    urls = MediaUrls(SECRET, clock, timeout=3600, window=900)
    storage = LocalStorage(BACKEND, tmp_path, urls)
    await storage.open()
    async with (
        serving({BACKEND.id: storage}) as base_url,
        aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as client,
    ):
        yield Store(base_url, storage, client)
    await storage.close()
