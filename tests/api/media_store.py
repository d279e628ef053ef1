"""A running server of one folder, for the tests of `/media`."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Callable
from pathlib import Path

import aiohttp

from tams.storage.local import LocalStorage
from tests.media_server import KEY

CONTENT = b"123456789"
LARGE = 64 << 20


class Store:
    """A running server of one folder, the clock that it goes by, and a client."""

    def __init__(self, base_url: str, storage: LocalStorage, client: aiohttp.ClientSession) -> None:
        self.base_url = base_url
        self.storage = storage
        self.client = client

    def get_url(self, key: str = KEY) -> str:
        return self.storage.sign_gets(self.base_url)(key)

    def put_url(self, content_type: str = "video/mp2t") -> str:
        return self.storage.sign_put(self.base_url, KEY, content_type).url

    async def put(
        self, content: bytes = CONTENT, url: str = "", **headers: str
    ) -> aiohttp.ClientResponse:
        headers = {"Content-Type": "video/mp2t"} | headers
        async with self.client.put(
            url or self.put_url(), data=io.BytesIO(content), headers=headers
        ) as answer:
            await answer.read()
            return answer

    async def get(self, url: str = "", method: str = "GET", **headers: str) -> tuple[int, bytes]:
        async with self.client.request(method, url or self.get_url(), headers=headers) as answer:
            return answer.status, await answer.read()

    def files(self) -> list[Path]:
        found = self.storage.root.rglob("*")
        return [path for path in found if path.is_file() and path.name != ".lock"]

    def open_files(self) -> list[Path]:
        found = (path.resolve() for path in Path("/proc/self/fd").iterdir())
        return [path for path in found if self.storage.root in path.parents]

    def make_large(self) -> Path:
        """An Object without facts that takes no room."""
        path = self.storage.root / KEY
        path.parent.mkdir(parents=True)
        path.touch()
        os.truncate(path, LARGE)
        return path

    async def until(self, condition: Callable[[], bool]) -> None:
        """Ask the server for nothing in particular until it has come to that."""
        async with asyncio.timeout(20):
            while not condition():
                await self.get(f"{self.base_url}/media/x/y")
