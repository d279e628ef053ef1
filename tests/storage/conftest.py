"""Every implementation of Storage that can be had here, each reachable at its signed URLs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tams.storage.base import Storage
from tams.storage.local import LocalStorage
from tams.storage.signing import MediaUrls
from tests.media_server import BACKEND, SECRET, StoppedClock, serving


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def urls(clock: StoppedClock) -> MediaUrls:
    return MediaUrls(SECRET, clock, timeout=3600, window=900)


@pytest.fixture
async def local(tmp_path: Path, urls: MediaUrls) -> AsyncIterator[LocalStorage]:
    storage = LocalStorage(BACKEND, tmp_path / "media", urls)
    await storage.open()
    yield storage
    await storage.close()


@dataclass
class Served:
    """A Storage, the base URL to sign for, and a client without credentials."""

    storage: Storage
    base_url: str
    client: aiohttp.ClientSession

    def get_url(self, key: str) -> str:
        return self.storage.sign_gets(self.base_url)(key)


@pytest.fixture(params=["local"])
async def served(request: pytest.FixtureRequest, local: LocalStorage) -> AsyncIterator[Served]:
    async with (
        serving({local.backend.id: local}) as base_url,
        aiohttp.ClientSession(auto_decompress=False) as client,
    ):
        yield Served({"local": local}[request.param], base_url, client)
