"""Bytes that lie at URLs of others, as sources of copies."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tams.errors import StorageFailed, Unreachable
from tams.outbound import Outbound
from tams.storage.checksums import told_checksums
from tams.storage.copying import Source

if TYPE_CHECKING:
    from aiohttp import ClientResponse

_CHUNK = 1 << 20
_PATIENCE_S = 60.0
_IN_ALL_S = 3600.0
_UNKNOWN_TYPE = "application/octet-stream"


class Elsewhere:
    """Fetches uncontrolled instances, of at most `max_size` bytes, from where requests may go."""

    def __init__(self, outbound: Outbound, *, max_size: int) -> None:
        self._outbound = outbound
        self._max_size = max_size

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[Source]:
        """The bytes at a URL, until the context ends; raises `StorageFailed`.

        No error names the URL, which may hold a secret.
        """
        # The bytes just as they lie there, so that their size and checksums are those of the copy.
        plain = {"Accept-Encoding": "identity"}
        try:
            async with self._outbound.request(
                "GET", url, patience=_PATIENCE_S, in_all=_IN_ALL_S, headers=plain
            ) as answer:
                yield self._source(answer)
        except Unreachable as failure:
            raise StorageFailed(str(failure)) from failure

    def _source(self, answer: ClientResponse) -> Source:
        if answer.status != 200:
            raise StorageFailed(f"the answer was {answer.status}")
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise StorageFailed("the answer was encoded, and not the bytes themselves")
        if (answer.content_length or 0) > self._max_size:
            raise self._too_large()
        content_type = headers.get("content-type", "")
        if not (content_type and content_type.isascii() and content_type.isprintable()):
            content_type = _UNKNOWN_TYPE
        checksums = told_checksums(headers)
        return Source(self._limited(answer), content_type, answer.content_length, checksums)

    async def _limited(self, answer: ClientResponse) -> AsyncGenerator[bytes, None]:
        size = 0
        async for chunk in answer.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > self._max_size:
                raise self._too_large()
            yield chunk

    def _too_large(self) -> StorageFailed:
        return StorageFailed(f"it has more than the {self._max_size} bytes that an Object may have")
