"""Bytes in a folder of this machine, served by the server itself at signed URLs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing, suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

from tams.domain.storage import MediaUrl, PutUrl, Reading, StorageBackend
from tams.errors import BadSettings, NotFound, StorageFailed
from tams.storage.base import Storage, StoredKey, StoredObject
from tams.storage.blocks import CHUNK, blocks
from tams.storage.files import ObjectFiles, OpenObject
from tams.storage.sending import Sending
from tams.storage.signing import MediaUrls
from tams.storage.upload import Upload

_THREADS = 32
_PATIENCE_S = 30.0
"""How long the file system may take for anything but making a whole upload durable."""
_SYNCS = 20
"""How many times as long that may take: gigabytes may have to reach the disk."""

P = ParamSpec("P")
T = TypeVar("T")


class LocalStorage(Storage):
    """Objects as files below a folder; file I/O runs in threads of its own.

    What takes longer than `patience` seconds has failed: its thread waits on for a file system that
    hangs, but no caller does.
    """

    def __init__(
        self, backend: StorageBackend, root: Path, urls: MediaUrls, patience: float = _PATIENCE_S
    ) -> None:
        super().__init__(backend)
        self.root = root
        self._patience = patience
        self._urls = urls
        self._files = ObjectFiles(root)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="storage")
        self._probe: Future[None] | None = None

    @property
    def marker(self) -> Path:
        """The folder within that tells one that was opened before."""
        return self._files.uploads

    async def is_new(self) -> bool:
        """Whether nobody has opened the folder yet, or what was mounted there is away."""
        return await self._run(self._files.is_new)

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

    def sign_for(self, base_url: str, key: str, method: Reading, seconds: int) -> str:
        """See `Storage`; the same URL for both methods."""
        del method
        return self._urls.getters(base_url, self.backend.id, seconds)(key)

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
        opening = self._begin(self._files.open, key)
        try:
            return await self._end(asyncio.wrap_future(opening), self._patience)
        except BaseException:
            opening.add_done_callback(_close)
            raise

    async def list(self, prefix: str) -> AsyncGenerator[Sequence[StoredKey], None]:
        """See `Storage`."""
        walk = self._files.walk(prefix)
        while page := await self._run(walk.page):
            yield page
        # A folder that is away looks like one without keys.
        await self._run(self._files.ensure_there)

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
                    raise self._cut_short()
                start += len(chunk)
                yield chunk
        finally:
            opened.close()

    async def send(self, sending: Sending) -> None:
        """Go on until nothing is left to send, or nobody to send it to; raises `StorageFailed`."""
        try:
            while not await self._run(sending.go_on):
                await sending.until_client_reads()
        except EOFError:
            raise self._cut_short() from None

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
            published = self._begin(self._files.publish, upload, key, content_type)
            return await self._end(asyncio.wrap_future(published), _SYNCS * self._patience)
        except BaseException:
            await self._abandon(upload)
            raise

    async def _abandon(self, upload: Upload) -> None:
        """Leave nothing behind; if that hangs, it is done behind the caller."""
        with suppress(StorageFailed):
            abandoned = asyncio.wrap_future(self._begin(upload.abandon))
            for end in (await asyncio.wait([abandoned], timeout=self._patience))[0]:
                end.exception()  # why the upload failed is what the caller is told

    async def delete_many(self, keys: Sequence[str]) -> Mapping[str, StorageFailed]:
        """See `Storage`; in one thread, since what they share is synced but once."""
        try:
            failed = await self._run(self._files.remove, keys)
        except StorageFailed as failure:
            return dict.fromkeys(keys, failure)
        return {key: self._failed(error) for key, error in failed.items()}

    async def ping(self) -> None:
        """See `Storage`; while one probe hangs, no other is begun, so that threads are left."""
        if self._probe is None or self._probe.done():
            self._probe = self._begin(self._files.probe)
        await self._end(asyncio.shield(asyncio.wrap_future(self._probe)), self._patience)

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        begun = asyncio.wrap_future(self._begin(work, *args, **kwargs))
        return await self._end(begun, self._patience)

    def _begin(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        try:
            return self._threads.submit(work, *args, **kwargs)
        except RuntimeError as error:  # no more threads, or the end of the process
            raise StorageFailed(f"{self.name}: {error}") from error

    async def _end(self, begun: asyncio.Future[T], seconds: float) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await begun
        except OSError as error:
            raise self._failed(error) from error

    def _cut_short(self) -> StorageFailed:
        return StorageFailed(f"{self.name}: a file was cut short while it was read")

    def _failed(self, error: OSError) -> StorageFailed:
        return StorageFailed(f"{self.name}: {error.strerror or 'no answer in time'}")


def _close(opening: Future[OpenObject | None]) -> None:
    """Let go of what nobody waits for any more."""
    if not opening.cancelled() and opening.exception() is None and (opened := opening.result()):
        opened.close()
