"""Bytes on their way, in pieces of another size."""

from __future__ import annotations

from collections.abc import AsyncIterator

CHUNK = 1 << 20


async def blocks(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """The same bytes in pieces of at least `size`, but for the last; none if there are no bytes."""
    gathered: list[bytes] = []
    length = 0
    async for chunk in chunks:
        gathered.append(chunk)
        length += len(chunk)
        if length >= size:
            yield b"".join(gathered)
            gathered, length = [], 0
    if gathered:
        yield b"".join(gathered)
