"""Bytes in a folder of this machine, served by the server itself at signed URLs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import ParamSpec, TypeVar

from tams.domain.storage import MediaUrl, PutUrl, StorageBackend
from tams.errors import BadSettings, NotFound, StorageFailed
from tams.storage.base import Storage, StoredKey, StoredObject
from tams.storage.blocks import CHUNK, blocks
from tams.storage.files import ObjectFiles, OpenObject
from tams.storage.signing import MediaUrls

_THREADS = 32

P = ParamSpec("P")
T = TypeVar("T")


class LocalStorage(Storage):
    """Objects as files below a folder; file I/O runs in threads of its own."""

    def __init__(self, backend: StorageBackend, root: Path, urls: MediaUrls) -> None:
        super().__init__(backend)
        self.root = root
        self._urls = urls
        self._files = ObjectFiles(root)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="storage")

    async def open(self) -> None:
        """Make the folder and clear it of unfinished uploads; raises `BadSettings`."""
        try:
            await self._run(self._files.prepare)
        except StorageFailed as error:
            raise BadSettings(f"{error}: {self.root}") from error

    async def close(self) -> None:
        """Wait for what is being written."""
        await asyncio.to_thread(self._threads.shutdown)

    def sign_gets(self, base_url: str) -> Callable[[str], str]:
        """See `Storage`; a URL takes about 1 µs."""
        return self._urls.getters(base_url, self.backend.id)

    def sign_put(self, base_url: str, key: str, content_type: str) -> PutUrl:
        """See `Storage`; the request must send this content type or none."""
        url = self._urls.putter(base_url, self.backend.id, key, content_type)
        return PutUrl(url, content_type, presigned=True)

    def check(self, method: str, url: MediaUrl) -> None:
        """Return if the URL was signed here for GET or PUT; raises `MediaRefused`."""
        self._urls.check(method, url)

    async def head(self, key: str) -> StoredObject | None:
        """See `Storage`."""
        opened = await self.opened(key)
        if opened is None:
            return None
        opened.close()
        return opened.stored

    async def opened(self, key: str) -> OpenObject | None:
        """The bytes and all that is known of them, at one moment; None if there are none."""
        return await self._run(self._files.open, key)

    async def list(self, prefix: str) -> AsyncGenerator[Sequence[StoredKey], None]:
        """See `Storage`."""
        walk = self._files.walk(prefix)
        while page := await self._run(walk.page):
            yield page

    async def read(
        self, key: str, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """See `Storage`."""
        opened = await self.opened(key)
        if opened is None:
            raise NotFound("Object with bytes at", key)
        async with aclosing(self.chunks(opened, start, end)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def chunks(
        self, opened: OpenObject, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` to before `end`; closes the Object when done or given up."""
        stop = opened.stored.size if end is None else min(end, opened.stored.size)
        try:
            while start < stop:
                chunk = await self._run(opened.read, start, min(CHUNK, stop - start))
                if not chunk:
                    raise StorageFailed(f"{self.name}: a file was cut short while it was read")
                start += len(chunk)
                yield chunk
        finally:
            opened.close()

    async def write(
        self,
        key: str,
        content_type: str,
        checksums: Mapping[str, str],
        chunks: AsyncIterator[bytes],
    ) -> StoredObject:
        """See `Storage`."""
        upload = self._files.upload(checksums)
        try:
            await self._run(upload.start)
            async for block in blocks(chunks, CHUNK):
                await self._run(upload.write, block)
            return await self._run(self._files.publish, upload, key, content_type)
        except BaseException:
            await asyncio.shield(self._run(upload.abandon))
            raise

    async def delete_many(self, keys: Sequence[str]) -> Mapping[str, StorageFailed]:
        """See `Storage`; in one thread, since what they share is synced but once."""
        failed = await self._run(self._files.remove, keys)
        return {key: self._failed(error) for key, error in failed.items()}

    async def ping(self) -> None:
        """See `Storage`."""
        await self._run(self._files.probe)

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await asyncio.wrap_future(self._threads.submit(work, *args, **kwargs))
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> StorageFailed:
        return StorageFailed(f"{self.name}: {error.strerror}")
