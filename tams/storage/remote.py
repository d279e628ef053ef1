"""Bytes in an object store that others run, moved by obstore; who signs its URLs is left open.

A request for facts takes five seconds at most and is tried twice. Bytes may take as long as they
flow: a request that hears nothing for half a minute has failed. What answers neither is down, and
`StorageFailed`.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import obstore
from obstore.exceptions import BaseError

from tams.domain.storage import StorageBackend
from tams.errors import BadSettings, NotFound, StorageFailed
from tams.storage.base import Storage, StoredKey, StoredObject
from tams.storage.blocks import CHUNK, blocks
from tams.storage.checksums import Checksums
from tams.storage.handover import handed_over
from tams.storage.keys import is_key

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

PART = 8 << 20
"""Objects up to this size are written by one request, larger ones in parts of this size."""

_PARTS_AT_ONCE = 4
_PAGE = 1000
_DELETIONS_AT_ONCE = 16
_UNKNOWN_TYPE = "application/octet-stream"
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound")
_UNANSWERED = "gave no answer in time, or none of use"
_ADVICE = {
    **dict.fromkeys(_NO_BUCKET, "create it, or correct the URL"),
    "InvalidAccessKeyId": "the service does not know this access key: correct the credentials",
    "SignatureDoesNotMatch": "correct the secret key, or the region of the URL",
    "AuthenticationFailed": "correct the account and its key",
    "403": "allow it to these credentials: docs/storage.md lists what is needed",
    "404": "create it, or correct the URL",
    "answered": "correct the URL",
    _UNANSWERED: "correct the endpoint, or start the service",
}
"""What to do about a start that failed, by what is said of it: the first that fits."""

_MOVING = timedelta(hours=6)


class Patience(NamedTuple):
    """How long to wait, in seconds: for a connection, for facts, and while no bytes flow."""

    connect: float = 3.0
    facts: float = 5.0
    silence: float = 30.0

    def client(self, *, moving: bool) -> ClientConfig:
        """The same for obstore: for bytes on their way, or for facts."""
        silence = timedelta(seconds=self.silence if moving else self.facts)
        return {
            "allow_http": True,
            "connect_timeout": timedelta(seconds=self.connect),
            "read_timeout": silence,
            "timeout": _MOVING if moving else silence,
        }

    def retries(self, *, moving: bool) -> RetryConfig:
        """How often to ask again what failed by no fault of the request."""
        return {
            "max_retries": 3 if moving else 1,
            "retry_timeout": timedelta(seconds=self.silence if moving else self.facts),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=2),
                "base": 2,
            },
        }


PATIENCE = Patience()


class RemoteStorage(Storage):
    """Objects below a prefix of a bucket or container; what the URLs look like, a kind decides.

    `place` is what operators know it by; no client is told.
    """

    def __init__(self, backend: StorageBackend, place: str, patience: Patience) -> None:
        super().__init__(backend)
        self.patience = patience
        self._place = place
        self._facts = self.store(moving=False)
        self._bytes = self.store(moving=True)

    @abstractmethod
    def store(self, *, moving: bool) -> ObjectStore:
        """What reaches the bytes, with the `patience` for them or for facts; asks nobody yet.

        The one for facts deletes each key by a request of its own.
        """

    async def open(self) -> None:
        """Prove that bytes can be listed, written, read and removed; raises `BadSettings`."""
        probe = f".probe-{secrets.token_hex(8)}"
        await self._prove("list keys", self.ping())
        await self._prove("write", self._put(probe, b"probe"))
        await self._prove("read", self._found(probe))
        await self._prove("delete", self.delete(probe))

    async def _prove(self, doing: str, trial: Awaitable[object]) -> None:
        try:
            await trial
        except StorageFailed as failure:
            said = str(failure).removeprefix(self.name)
            code = next((code for code in _ADVICE if code in said), _UNANSWERED)
            raise BadSettings(
                f"{failure}: cannot {doing} at {self._place}; {_ADVICE[code]}"
            ) from None

    async def head(self, key: str) -> StoredObject | None:
        """See `Storage`."""
        try:
            with self._told(key):
                found = await obstore.get_async(self._facts, key, options={"head": True})
        except NotFound:
            await self.ping()  # an answer to HEAD does not tell whether the bucket is there
            return None
        facts = found.meta
        return StoredObject(
            size=facts["size"],
            modified=facts["last_modified"],
            content_type=found.attributes.get("Content-Type", _UNKNOWN_TYPE),
            etag=facts["e_tag"] or "",
        )

    async def list(self, prefix: str) -> AsyncGenerator[Sequence[StoredKey], None]:
        """See `Storage`."""
        with self._told():
            async for page in obstore.list(self._facts, prefix, chunk_size=_PAGE):
                found = [
                    StoredKey(facts["path"], facts["size"], facts["last_modified"])
                    for facts in page
                    if is_key(facts["path"])
                ]
                if found:
                    yield found

    async def read(
        self, key: str, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """See `Storage`."""
        with self._told(key):
            try:
                found = await obstore.get_async(self._bytes, key, options=_range(start, end))
            except BaseError as error:
                if _status(error) == 416:
                    return
                raise
            async for piece in found.stream(min_chunk_size=CHUNK):
                content = memoryview(piece)
                for at in range(0, len(content), CHUNK):
                    yield bytes(content[at : at + CHUNK])

    async def write(
        self,
        key: str,
        content_type: str,
        checksums: Mapping[str, str],
        chunks: AsyncIterator[bytes],
    ) -> StoredObject:
        """See `Storage`; parts of a write that ends with its process wait for a lifecycle rule."""
        digests = Checksums(checksums)
        pieces = _verified(blocks(chunks, CHUNK), digests)
        first: list[bytes] = []
        async for piece in pieces:
            first.append(piece)
            if sum(map(len, first)) > PART:
                async with handed_over(_joined(first, pieces)) as content:
                    await self._send(key, content_type, content)
                break
        else:
            await self._send(key, content_type, b"".join(first))
        return await self._found(key)

    async def _send(
        self, key: str, content_type: str, content: bytes | AsyncIterator[bytes]
    ) -> None:
        with self._told(key):
            await obstore.put_async(
                self._bytes,
                key,
                content,
                attributes={"Content-Type": content_type},
                use_multipart=not isinstance(content, bytes),
                chunk_size=PART,
                max_concurrency=_PARTS_AT_ONCE,
            )

    async def _put(self, key: str, content: bytes) -> None:
        with self._told(key):
            await obstore.put_async(self._facts, key, content)

    async def _found(self, key: str) -> StoredObject:
        stored = await self.head(key)
        if stored is None:
            raise StorageFailed(f"{self.name}: what was written is not there")
        return stored

    async def delete_many(self, keys: Sequence[str]) -> Mapping[str, StorageFailed]:
        """See `Storage`; by one request for a thousand where the service knows that."""
        if not keys:
            return {}
        try:
            with self._told():
                await obstore.delete_async(self._bytes, keys)
        except (StorageFailed, NotFound):
            try:
                await self.ping()
            except StorageFailed as failure:
                return dict.fromkeys(keys, failure)
            return await self._delete_each(keys)
        return {}

    async def _delete_each(self, keys: Sequence[str]) -> Mapping[str, StorageFailed]:
        """The same one by one, so that what fails keeps no other from going."""
        turn = asyncio.Semaphore(_DELETIONS_AT_ONCE)
        failed: dict[str, StorageFailed] = {}

        async def delete(key: str) -> None:
            async with turn:
                try:
                    with self._told(key):
                        await obstore.delete_async(self._facts, key)
                except NotFound:
                    return
                except StorageFailed as failure:
                    failed[key] = failure

        await asyncio.gather(*map(delete, keys))
        return failed

    async def ping(self) -> None:
        """See `Storage`; what `open` proved of writing is not tried again."""
        with self._told():
            async for _ in obstore.list(self._facts, ".nothing"):
                break

    @contextmanager
    def _told(self, key: str = "") -> Iterator[None]:
        """Say what went wrong without saying where: an address is nothing for clients."""
        try:
            yield
        except FileNotFoundError as error:
            if any(code in str(error) for code in _NO_BUCKET):
                raise StorageFailed(f"{self.name}: {_reason(error)}") from error
            raise NotFound("Object with bytes at", key) from error
        except BaseError as error:
            raise StorageFailed(f"{self.name}: {_reason(error)}") from error


def _range(start: int, end: int | None) -> GetOptions:
    if end is not None:
        return {"range": (start, end)}
    return {"range": {"offset": start}} if start else {}


def _status(error: Exception) -> int | None:
    found = _STATUS.search(str(error))
    return int(found[1]) if found else None


def _reason(error: Exception) -> str:
    status, code = _status(error), _CODE.search(str(error))
    if status is None:
        return f"it {_UNANSWERED}"
    return f"it answered {status}{f' ({code[1]})' if code else ''}"


async def _verified(chunks: AsyncIterator[bytes], digests: Checksums) -> AsyncIterator[bytes]:
    """The same bytes; raises `Invalid` in place of their end if they are not what was told."""
    async for chunk in chunks:
        # In a thread: a mebibyte takes a millisecond or two.
        await asyncio.to_thread(digests.update, chunk)
        yield chunk
    digests.verified()


async def _joined(first: list[bytes], rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """All of them; none is kept once it is given."""
    while first:
        yield first.pop(0)
    async for piece in rest:
        yield piece
