"""Bytes that the server serves itself, for whoever holds a signed URL."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from socket import socket
from typing import Protocol

from tams.domain.objects import named_in_key
from tams.domain.storage import MediaUrl
from tams.errors import Invalid, MediaRefused, NotFound, TooLarge
from tams.services.accesses import Accesses
from tams.storage.base import Storage, StoredObject
from tams.storage.checksums import named_checksums
from tams.storage.files import OpenObject
from tams.storage.local import LocalStorage
from tams.storage.sending import Sending

_UNKNOWN_TYPE = "application/octet-stream"
_UNSAID = frozenset({"application/x-www-form-urlencoded", _UNKNOWN_TYPE})
"""What curl, Python and others send by themselves with bytes of which nothing is said."""


Sender = Callable[[socket, int, int], Callable[[], Awaitable[None]]]
"""Makes what sends the bytes from a start to before an end, or as many as the client stays for.

The socket, which must not block, is closed with them. What sends raises `StorageFailed`.
"""


class Readable(Protocol):
    """Bytes that are open for one reader, who must `close` them."""

    stored: StoredObject

    def read_now(self, start: int, end: int) -> bytearray | None:
        """The bytes from `start` to before `end`, if nothing has to be waited for."""
        ...

    @property
    def sender(self) -> Sender | None:
        """What can send them into a socket by itself, if anything can."""
        ...

    def chunks(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` to before `end`."""
        ...

    def close(self) -> None:
        """Let go of them."""
        ...


class ReadableObject(Readable):
    """A file of this machine."""

    def __init__(self, storage: LocalStorage, opened: OpenObject) -> None:
        self._storage = storage
        self._opened = opened
        self._sending: Sending | None = None
        self.stored = opened.stored

    def read_now(self, start: int, end: int) -> bytearray | None:
        """See `Readable`."""
        return self._opened.read_now(start, end - start)

    @property
    def sender(self) -> Sender:
        """See `Readable`."""
        return self._sender

    def _sender(self, client: socket, start: int, end: int) -> Callable[[], Awaitable[None]]:
        self._sending = Sending(self._opened.file, client, start, end)
        return partial(self._storage.send, self._sending)

    def chunks(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """See `Readable`."""
        return self._storage.chunks(self._opened, start, end)

    def close(self) -> None:
        """See `Readable`."""
        (self._sending or self._opened).close()


class RemoteObject(Readable):
    """Bytes in an object store of others, which pass through this server."""

    def __init__(self, storage: Storage, key: str, stored: StoredObject) -> None:
        self._storage = storage
        self._key = key
        self.stored = stored

    def read_now(self, start: int, end: int) -> bytearray | None:
        """See `Readable`; all but nothing is waited for."""
        return bytearray() if start == end else None

    @property
    def sender(self) -> None:
        """See `Readable`; nothing can."""
        return None

    def chunks(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """See `Readable`."""
        return self._storage.read(self._key, start, end)

    def close(self) -> None:
        """See `Readable`; whoever reads has closed the chunks."""


async def open_object(storage: Storage, key: str) -> Readable:
    """Open the bytes at a key, wherever they lie; raises `NotFound` and `StorageFailed`."""
    if isinstance(storage, LocalStorage):
        opened = await storage.opened(key)
        found: Readable | None = None if opened is None else ReadableObject(storage, opened)
    else:
        stored = await storage.head(key)
        found = None if stored is None else RemoteObject(storage, key, stored)
    if found is None:
        raise NotFound("uploaded Object at", key)
    return found


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

    async def open(self, url: MediaUrl) -> Readable:
        """Open the bytes of a GET URL; raises `MediaRefused`, `NotFound`."""
        return await open_object(self._permitted("GET", url), url.key)

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
    if sent.lower() in _UNSAID:
        sent = ""
    if url.content_type and sent and sent.lower() != url.content_type.lower():
        raise MediaRefused(f"Content-Type: this URL is for {url.content_type}, not {sent}")
    content_type = url.content_type or sent or _UNKNOWN_TYPE
    if not (content_type.isascii() and content_type.isprintable()):
        raise Invalid("Content-Type", content_type, "it must be printable ASCII")
    return content_type
