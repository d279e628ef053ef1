"""Bytes that the server serves itself, for whoever holds a signed URL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from socket import socket

from tams.domain.objects import named_in_key
from tams.domain.storage import MediaUrl
from tams.errors import Invalid, MediaRefused, NotFound, TooLarge
from tams.services.accesses import Accesses
from tams.storage.base import StoredObject
from tams.storage.checksums import named_checksums
from tams.storage.files import OpenObject
from tams.storage.local import LocalStorage
from tams.storage.sending import Sending

_UNKNOWN_TYPE = "application/octet-stream"


class ReadableObject:
    """Bytes that are open for one reader, who must `close` them."""

    def __init__(self, storage: LocalStorage, opened: OpenObject) -> None:
        self._storage = storage
        self._opened = opened
        self._sending: Sending | None = None
        self.stored = opened.stored

    def read_now(self, start: int, end: int) -> bytearray | None:
        """The bytes from `start` to before `end`, if no disk has to be waited for."""
        return self._opened.read_now(start, end - start)

    def sender(self, client: socket, start: int, end: int) -> Callable[[], Awaitable[None]]:
        """What sends the bytes from `start` to before `end`, or as many as the client stays for.

        The socket, which must not block, is closed with them. The sender raises `StorageFailed`.
        """
        self._sending = Sending(self._opened.file, client, start, end)
        return partial(self._storage.send, self._sending)

    def chunks(self, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `end`."""
        return self._storage.chunks(self._opened, start, end)

    def close(self) -> None:
        """Let go of them."""
        (self._sending or self._opened).close()


class Media:
    """Reads and stores bytes by signed URL; an Object has at most `max_size` bytes.

    Uploading again to a URL that still lives replaces the bytes, as in any object store.
    """

    def __init__(
        self,
        storages: Mapping[str, LocalStorage],
        *,
        max_size: int,
        accesses: Accesses | None = None,
    ) -> None:
        """`accesses` are told of each Object that is read."""
        self._storages = storages
        self._max_size = max_size
        self._accesses = accesses

    async def open(self, url: MediaUrl) -> ReadableObject:
        """Open the bytes of a GET URL; raises `MediaRefused`, `NotFound`."""
        storage = self._permitted("GET", url)
        opened = await storage.opened(url.key)
        if opened is None:
            raise NotFound("uploaded Object at", url.key)
        return ReadableObject(storage, opened)

    def is_read(self, url: MediaUrl) -> None:
        """Somebody reads these bytes from their beginning.

        An Object whose id is not in its keys, since it could not be, is not counted.
        """
        if self._accesses is not None:
            self._accesses.note(named_in_key(url.key))

    async def store(
        self, url: MediaUrl, headers: Mapping[str, str], chunks: AsyncIterator[bytes]
    ) -> StoredObject:
        """Store the bytes of a PUT URL durably, or leave what was there.

        Of the `headers`, by lower-case name, it heeds the type, the length and the checksums.
        Raises `MediaRefused`, `TooLarge`, `Invalid` for a wrong checksum, `StorageFailed`.
        """
        storage = self._permitted("PUT", url)
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_size:
            raise self._too_large()
        content_type = _content_type(url, headers.get("content-type", ""))
        checksums = named_checksums(headers)
        return await storage.write(url.key, content_type, checksums, self._limited(chunks))

    def _permitted(self, method: str, url: MediaUrl) -> LocalStorage:
        storage = self._storages.get(url.storage_id)
        if storage is None:
            raise MediaRefused(f"{url.storage_id} is no Storage Backend of this server")
        storage.check(method, url)
        return storage

    async def _limited(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in chunks:
            size += len(chunk)
            if size > self._max_size:
                raise self._too_large()
            yield chunk

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body: an Object may have at most {self._max_size} bytes")


def _content_type(url: MediaUrl, sent: str) -> str:
    """The type of an upload: the one that the URL is bound to, if any, else the one it sends."""
    if url.content_type and sent and sent.lower() != url.content_type.lower():
        raise MediaRefused(f"Content-Type: this URL is for {url.content_type}, not {sent}")
    content_type = url.content_type or sent or _UNKNOWN_TYPE
    if not (content_type.isascii() and content_type.isprintable()):
        raise Invalid("Content-Type", content_type, "it must be printable ASCII")
    return content_type
