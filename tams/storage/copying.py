"""Copies of bytes between any two places, never whole in memory, and proof that they are equal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from hashlib import sha256
from typing import NamedTuple

from tams.errors import Invalid, NotFound, StorageFailed
from tams.storage.base import Storage

Beat = Callable[[], Awaitable[None]]
"""Awaited whenever some bytes have passed; what it raises ends the copy."""


class Source(NamedTuple):
    """Bytes to be copied, and what is told of them: size, if known, and checksums as in HTTP."""

    chunks: AsyncGenerator[bytes, None]
    content_type: str
    size: int | None
    checksums: Mapping[str, str]


async def stored(storage: Storage, key: str) -> Source:
    """The bytes under a key as a source; raises `NotFound` if there are none."""
    found = await storage.head(key)
    if found is None:
        raise NotFound("Object with bytes at", key)
    return Source(storage.read(key), found.content_type, found.size, found.checksums)


async def copy(source: Source, storage: Storage, key: str, beat: Beat) -> None:
    """Write the bytes of a source under a key, and read them back.

    When it returns they are what the source tells, and what the storage gives. Raises
    `StorageFailed` if not: what lies under the key then must not be used.
    """
    sent, kept = _Tally(beat), _Tally(beat)
    try:
        async with aclosing(source.chunks) as chunks:
            whole = _whole(sent.count(chunks), sent, source.size)
            await storage.write(key, source.content_type, source.checksums, whole)
    except Invalid as refusal:
        raise StorageFailed(f"its bytes are not what it tells: {refusal}") from refusal
    async with aclosing(storage.read(key)) as chunks:
        async for _ in kept.count(chunks):
            continue
    if kept.result != sent.result:
        raise StorageFailed(f"of {sent.size} bytes, {kept.size} came back, and not the same")


class _Tally:
    """Size and digest of bytes that pass."""

    def __init__(self, beat: Beat) -> None:
        self._beat = beat
        self._digest = sha256()
        self.size = 0

    @property
    def result(self) -> tuple[int, bytes]:
        return self.size, self._digest.digest()

    async def count(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            # In a thread: a mebibyte takes a millisecond or two.
            await asyncio.to_thread(self._digest.update, chunk)
            self.size += len(chunk)
            await self._beat()
            yield chunk


async def _whole(
    chunks: AsyncIterator[bytes], sent: _Tally, size: int | None
) -> AsyncIterator[bytes]:
    """The same chunks, unless they end before or after the size that is told."""
    async for chunk in chunks:
        yield chunk
    if size not in (None, sent.size):
        raise StorageFailed(f"it gave {sent.size} bytes, and tells of {size}")
