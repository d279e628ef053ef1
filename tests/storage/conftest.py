"""Every implementation of Storage that can be had here, each reachable at its signed URLs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tams.domain.clock import utc_now
from tams.storage.azure import AzureStorage, account_key
from tams.storage.base import Storage
from tams.storage.local import LocalStorage
from tams.storage.places import AzurePlace, S3Place, parse_place
from tams.storage.remote import Patience
from tams.storage.s3 import S3Storage
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


PATIENT = Patience(60, 60, 60)
"""For services that do answer, on a machine that has much else to do."""
SOON = Patience(0.3, 0.3, 0.3)
"""For services that do not."""


def s3_storage(url: str, patience: Patience = PATIENT) -> S3Storage:
    """A storage of a place, which is not asked yet."""
    backend = replace(BACKEND, label="s3", provider="s3", store_product="s3", public_url=None)
    place = parse_place(url)
    assert isinstance(place, S3Place)
    return S3Storage(backend, place, utc_now, url_timeout=3600, url_window=900, patience=patience)


@pytest.fixture
async def s3(s3_url: str) -> AsyncIterator[S3Storage]:
    storage = s3_storage(s3_url)
    await storage.open()
    yield storage
    await storage.close()


@pytest.fixture
async def azure(azure_url: str) -> AsyncIterator[AzureStorage]:
    place = parse_place(azure_url)
    assert isinstance(place, AzurePlace)
    backend = replace(BACKEND, label="azure", provider="azure", public_url=None)
    storage = AzureStorage(backend, place, account_key(), utc_now, url_timeout=3600, url_window=900)
    await storage.open()
    yield storage
    await storage.close()


@pytest.fixture(params=["local", "s3", "azure"])
def storage(request: pytest.FixtureRequest) -> Storage:
    """One of them."""
    found: Storage = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def served(storage: Storage) -> AsyncIterator[Served]:
    local = {storage.backend.id: storage} if isinstance(storage, LocalStorage) else {}
    async with (
        serving(local) as base_url,
        aiohttp.ClientSession(auto_decompress=False) as client,
    ):
        yield Served(storage, base_url, client)


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content


@asynccontextmanager
async def service(answer: Callable[[web.Request, bytes], web.Response]) -> AsyncIterator[str]:
    """A service that answers everything as a test says; gives the setting of a bucket of its."""

    async def handle(request: web.Request) -> web.Response:
        return answer(request, await request.read())

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"s3://media?endpoint=http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def chunks(*parts: bytes | Exception) -> AsyncIterator[bytes]:
    for part in parts:
        if isinstance(part, Exception):
            raise part
        yield part
