"""What a storage backend promises; `tests/storage/` holds each implementation to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from tams.domain.storage import PutUrl, Reading, StorageBackend
from tams.errors import StorageFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """What a backend knows of the bytes under a key; `checksums` by lower-case header name.

    `written` as in `StoredKey`.
    """

    size: int
    modified: datetime
    content_type: str
    etag: str
    checksums: Mapping[str, str] = field(default_factory=dict)
    written: int | None = None


class StoredKey(NamedTuple):
    """A key with bytes, as a listing tells of it.

    `written` is how many bytes were once written there, where the backend remembers that.
    """

    key: str
    size: int
    modified: datetime
    written: int | None = None


def is_whole(stored: StoredObject | StoredKey) -> bool:
    """Whether the bytes are as many as were once written, as far as the backend remembers."""
    return stored.written in (None, stored.size)


Beat = Callable[[], Awaitable[None]]
"""Awaited while bytes are copied; what it raises ends the copy."""


class Storage(ABC):
    """One place for bytes; keys are relative paths of letters, digits and `-_.`."""

    def __init__(self, backend: StorageBackend) -> None:
        self.backend = backend

    @property
    def name(self) -> str:
        """What errors call it."""
        return f"storage backend {self.backend.label or self.backend.id}"

    async def open(self) -> None:  # noqa: B027 (most backends need no opening)
        """Make ready; raises `BadSettings` if it cannot be used."""

    async def close(self) -> None:  # noqa: B027
        """Let go of connections."""

    @abstractmethod
    def sign_gets(self, base_url: str) -> Callable[[str], str]:
        """A function from a key to a URL that reads its bytes.

        Its URLs hold for `min_presigned_url_timeout` from now at least, so it is asked for anew for
        each answer; they are ASCII, with nothing that JSON would escape. `base_url` is where the
        caller reached this server, for a backend whose bytes the server serves itself.
        """

    @abstractmethod
    def sign_put(self, base_url: str, key: str, content_type: str) -> PutUrl:
        """The request that writes the bytes, valid for `min_presigned_url_timeout` at least."""

    @abstractmethod
    def sign_for(self, base_url: str, key: str, method: Reading, seconds: int) -> str:
        """A URL that is good for this method, from now for so many seconds and no longer."""

    @abstractmethod
    async def head(self, key: str) -> StoredObject | None:
        """What is known of the bytes; None if there are none."""

    @abstractmethod
    def list(self, prefix: str) -> AsyncGenerator[Sequence[StoredKey], None]:
        """Every key below a prefix, `tams/` say, that has bytes; some thousand at a time at most.

        Each comes once, in any order; what is written or removed meanwhile may come or not.
        Unfinished uploads and what an Object cannot have as its key are left out. Memory does not
        grow with their number. Whoever stops before the end closes it. Raises `StorageFailed`.
        """

    @abstractmethod
    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` to before `end`, in chunks of at most 1 MiB.

        Whoever stops before the end closes it. Raises `NotFound` if there are none.
        """

    @abstractmethod
    async def write(
        self,
        key: str,
        content_type: str,
        checksums: Mapping[str, str],
        chunks: AsyncIterator[bytes],
    ) -> StoredObject:
        """Store bytes durably in place of any at that key; until it returns, those are seen.

        `checksums` maps lower-case header names to base64. Raises `Invalid` if one is malformed or
        not that of the bytes, `StorageFailed`, and whatever `chunks` raises; nothing is left then.
        """

    async def copy_within(
        self, source: Storage, source_key: str, key: str, content_type: str, beat: Beat
    ) -> bool:
        """Have a service that holds both copy bytes by itself; False where none does.

        The bytes are not proved to be equal yet. `beat` is awaited at least every few seconds; what
        it raises ends the copy. Raises `NotFound` if there are no bytes, and `StorageFailed`.
        """
        del source, source_key, key, content_type, beat
        return False

    @abstractmethod
    async def delete_many(self, keys: Sequence[str]) -> Mapping[str, StorageFailed]:
        """Remove the bytes under each of the keys, durably; no error where there are none.

        Returns those that could not be removed, and why; what fails keeps no other from going.
        """

    async def delete(self, key: str) -> None:
        """Remove the bytes under one key; raises `StorageFailed`."""
        for failure in (await self.delete_many([key])).values():
            raise failure

    @abstractmethod
    async def ping(self) -> None:
        """Return if bytes can be read and written; raises `StorageFailed` if not."""
