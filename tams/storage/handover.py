"""Bytes for a reader who, when it is stopped, does not let go of whoever gives them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tams.errors import StorageFailed


@asynccontextmanager
async def handed_over(chunks: AsyncIterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    """The same chunks; behind the context nobody awaits them, and whoever reads on is refused.

    The reader may be a task of another language, which no cancellation reaches.
    """
    passed: asyncio.Queue[bytes | Exception | None] = asyncio.Queue(1)
    giving = asyncio.create_task(_give(chunks, passed))
    try:
        yield _taken(passed)
    finally:
        giving.cancel()
        await asyncio.wait({giving})
        while not passed.empty():
            passed.get_nowait()
        passed.put_nowait(StorageFailed("nobody writes these bytes any more"))


async def _give(
    chunks: AsyncIterator[bytes], passed: asyncio.Queue[bytes | Exception | None]
) -> None:
    try:
        async for chunk in chunks:
            await passed.put(chunk)
    except Exception as failure:  # noqa: BLE001 - whatever it is, the reader ends by it
        await passed.put(failure)
    else:
        await passed.put(None)


async def _taken(passed: asyncio.Queue[bytes | Exception | None]) -> AsyncIterator[bytes]:
    while (next_one := await passed.get()) is not None:
        if isinstance(next_one, Exception):
            raise next_one
        yield next_one
