"""Copies that go wrong: each is told, and none is taken for whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing

import pytest

from tams.domain.clock import utc_now
from tams.errors import NotFound, StorageFailed
from tams.storage.base import Beat, Storage, StoredObject
from tams.storage.copying import Source, copy, stored
from tams.storage.local import LocalStorage
from tams.storage.places import S3Place, parse_place
from tams.storage.s3 import S3Storage
from tests.ceph import Gateway
from tests.storage.conftest import PATIENT, once

CONTENT = b"media" * 1000
MD5_OF_OTHER = "ZMCp/d+JF/H+8WZ4tEzE2w=="


async def beat() -> None:
    pass


def source(content: bytes = CONTENT, size: int | None = None, **checksums: str) -> Source:
    async def chunks() -> AsyncGenerator[bytes, None]:
        step = max(700, len(content) // 20)
        for at in range(0, len(content), step):
            yield content[at : at + step]

    return Source(chunks(), "video/mp2t", size, checksums)


@pytest.mark.parametrize("size", [None, len(CONTENT)])
async def test_bytes_are_copied_whether_their_size_is_told_or_not(
    local: LocalStorage, size: int | None
) -> None:
    beats = []

    async def count() -> None:
        beats.append(None)

    await copy(source(size=size), local, "copy.ts", count)
    assert b"".join([part async for part in local.read("copy.ts")]) == CONTENT
    assert len(beats) > len(CONTENT) / 700


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
async def test_another_size_than_is_told_leaves_nothing(local: LocalStorage, size: int) -> None:
    with pytest.raises(StorageFailed, match=f"gave 5000 bytes, and tells of {size}"):
        await copy(source(size=size), local, "copy.ts", beat)
    assert await local.head("copy.ts") is None


async def test_another_checksum_than_is_told_leaves_nothing(local: LocalStorage) -> None:
    with pytest.raises(StorageFailed, match="not what it tells: content-md5"):
        await copy(source(**{"content-md5": MD5_OF_OTHER}), local, "copy.ts", beat)
    assert await local.head("copy.ts") is None


async def test_bytes_that_come_back_changed_are_told(local: LocalStorage) -> None:
    class Forgetful(LocalStorage):
        async def read(
            self, key: str, start: int = 0, end: int | None = None
        ) -> AsyncGenerator[bytes, None]:
            async for chunk in super().read(key, start, end):
                yield chunk[:-1] + b"\0"

    forgetful = Forgetful(local.backend, local.root, local._urls)
    with pytest.raises(StorageFailed, match="of 5000 bytes, 5000 came back, and not the same"):
        await copy(source(), forgetful, "copy.ts", beat)
    await forgetful.close()


async def test_a_copy_ends_when_it_is_told_to(local: LocalStorage) -> None:
    async def stop() -> None:
        raise StorageFailed("somebody else does it")

    with pytest.raises(StorageFailed, match="somebody else"):
        await copy(source(), local, "copy.ts", stop)
    assert await local.head("copy.ts") is None


async def test_what_is_not_there_is_no_source(local: LocalStorage) -> None:
    with pytest.raises(NotFound):
        await stored(local, "none.ts")


class Elsewhere(S3Storage):
    """Takes no bytes that pass through here, and notes whose bytes are read."""

    async def write(
        self,
        key: str,
        content_type: str,
        checksums: Mapping[str, str],
        chunks: AsyncIterator[bytes],
    ) -> StoredObject:
        raise AssertionError("the bytes pass through here")

    async def read(
        self, key: str, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        self.reads = getattr(self, "reads", 0) + 1
        async with aclosing(super().read(key, start, end)) as chunks:
            async for chunk in chunks:
                yield chunk


@pytest.fixture
async def beside(s3: S3Storage, s3_url: str) -> AsyncIterator[Elsewhere]:
    place = parse_place(s3_url.replace("?", "-beside?"))
    assert isinstance(place, S3Place)
    storage = Elsewhere(
        s3.backend,
        place,
        utc_now,
        url_timeout=3600,
        url_window=900,
        patience=PATIENT,
        largest_copy=5 << 20,
    )
    await storage.open()
    yield storage
    await storage.close()


@pytest.mark.parametrize(("size", "reads"), [(100, 0), (5 << 20, 0), (6_000_000, 1)])
async def test_a_service_that_holds_both_copies_by_itself(
    s3: S3Storage, beside: Elsewhere, size: int, reads: int
) -> None:
    content = (bytes(range(251)) * (size // 250 + 1))[:size]
    await copy(source(content), s3, "tams/a+b.ts", beat)
    beats = []

    async def count() -> None:
        beats.append(None)

    found = await stored(s3, "tams/a+b.ts")
    await copy(found._replace(content_type="video/x-any"), beside, "copy.ts", count)
    kept = await beside.head("copy.ts")
    assert kept is not None
    assert (kept.size, kept.content_type) == (size, "video/x-any")
    # In parts, the ETag is another, so that only the bytes themselves prove it.
    assert getattr(beside, "reads", 0) == reads
    assert beats
    assert b"".join([part async for part in beside.read("copy.ts")]) == content


async def test_between_kinds_the_bytes_pass_through_here(
    local: LocalStorage, s3: S3Storage
) -> None:
    await copy(source(), local, "tams/a.ts", beat)
    await copy(await stored(local, "tams/a.ts"), s3, "tams/b.ts", beat)
    await copy(await stored(s3, "tams/b.ts"), local, "tams/c.ts", beat)
    assert b"".join([part async for part in local.read("tams/c.ts")]) == CONTENT


async def test_a_copy_that_its_worker_gives_up_leaves_no_parts(
    s3: S3Storage, beside: Elsewhere, gateway: Gateway
) -> None:
    await copy(source(bytes(6_000_000)), s3, "tams/a.ts", beat)
    beats = []

    async def give_up() -> None:
        beats.append(None)
        if len(beats) == 3:
            raise StorageFailed("it is left to another worker")

    with pytest.raises(StorageFailed, match="another worker"):
        await copy(await stored(s3, "tams/a.ts"), beside, "copy.ts", give_up)
    assert await beside.head("copy.ts") is None
    client = gateway.client()
    assert "Uploads" not in client.list_multipart_uploads(Bucket=s3.place.bucket.name)
    client.close()


async def test_what_the_service_will_not_copy_passes_through_here(
    s3: S3Storage, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = parse_place(s3_url.replace("?", "-beside?"))
    assert isinstance(place, S3Place)
    other = S3Storage(
        s3.backend, place, utc_now, url_timeout=3600, url_window=900, patience=PATIENT
    )
    await other.open()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of no use")
    await copy(source(), s3, "tams/a.ts", beat)
    await copy(await stored(s3, "tams/a.ts"), other, "copy.ts", beat)
    assert b"".join([part async for part in other.read("copy.ts")]) == CONTENT
    await other.close()


async def test_two_that_differ_are_told(s3: S3Storage, beside: Elsewhere) -> None:
    class Careless(Elsewhere):
        async def copy_within(
            self, source: Storage, source_key: str, key: str, content_type: str, beat: Beat
        ) -> bool:
            await S3Storage.write(self, key, content_type, {}, once(CONTENT[:-1] + b"x"))
            return True

    careless = Careless(
        s3.backend, beside.place, utc_now, url_timeout=3600, url_window=900, patience=PATIENT
    )
    await careless.open()
    await copy(source(), s3, "tams/a.ts", beat)
    with pytest.raises(StorageFailed, match="of 5000 bytes, 5000 came back, and not the same"):
        await copy(await stored(s3, "tams/a.ts"), careless, "copy.ts", beat)
    await careless.close()
