"""Copies of bytes between any two places, never whole in memory, and proof that they are equal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from tams.errors import Invalid, NotFound, StorageFailed
from tams.storage.base import Beat, Storage
from tams.storage.beats import beating


class Held(NamedTuple):
    """Bytes under a key of a storage."""

    storage: Storage
    key: str


class Source(NamedTuple):
    """Bytes to be copied, and what is told of them: size, if known, and checksums as in HTTP.

    Of bytes in a storage, `held` says where.
    """

    chunks: AsyncGenerator[bytes, None]
    content_type: str
    size: int | None
    checksums: Mapping[str, str]
    held: Held | None = None


async def stored(storage: Storage, key: str) -> Source:
    """The bytes under a key as a source; raises `NotFound` if there are none."""
    found = await storage.head(key)
    if found is None:
        raise NotFound("Object with bytes at", key)
    held = Held(storage, key)
    return Source(storage.read(key), found.content_type, found.size, found.checksums, held)


async def copy(source: Source, storage: Storage, key: str, beat: Beat) -> None:
    """Copy the bytes of a source under a key, and prove that they are equal.

    A service that holds both does it by itself; else the bytes pass through here, and `beat` is
    awaited whenever some have, and every few seconds while they are made durable. When it returns
    they are what the source tells, and what the storage gives. Raises `StorageFailed` if not: what
    lies under the key then must not be used.
    """
    held = source.held
    if held and await storage.copy_within(*held, key, source.content_type, beat):
        await source.chunks.aclose()
        await _compare(held, Held(storage, key), beat)
    else:
        await _pass(source, storage, key, beat)


async def _pass(source: Source, storage: Storage, key: str, beat: Beat) -> None:
    sent = _Tally(beat)
    try:
        async with aclosing(source.chunks) as chunks:
            whole = _whole(sent.count(chunks), sent, source.size)
            # The last byte may be long on its way to a disk, when none passes here any more.
            write = partial(storage.write, key, source.content_type, source.checksums, whole)
            await beating(write, beat)
    except Invalid as refusal:
        raise StorageFailed(f"its bytes are not what it tells: {refusal}") from refusal
    _require_equal(sent, await _read(Held(storage, key), beat))


async def _compare(source: Held, copied: Held, beat: Beat) -> None:
    """Take equal ETags for a proof, as a service makes them of the bytes; else read both."""
    first, second = [await held.storage.head(held.key) for held in (source, copied)]
    if first and second and first.size == second.size and first.etag == second.etag != "":
        return
    _require_equal(await _read(source, beat), await _read(copied, beat))


async def _read(held: Held, beat: Beat) -> _Tally:
    tally = _Tally(beat)
    async with aclosing(held.storage.read(held.key)) as chunks:
        async for _ in tally.count(chunks):
            continue
    return tally


def _require_equal(sent: _Tally, kept: _Tally) -> None:
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
