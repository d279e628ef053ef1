"""Copies that go wrong: each is told, and none is taken for whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from threading import Event, Thread

import pytest

from tams.domain.clock import utc_now
from tams.errors import LeaseLost, NotFound, StorageFailed
from tams.storage import beats
from tams.storage.base import Beat, Storage, StoredObject
from tams.storage.copying import Source, copy, stored
from tams.storage.local import LocalStorage
from tams.storage.places import S3Place, parse_place
from tams.storage.s3 import S3Storage
from tams.storage.s3_copies import Original, S3Copies
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


class Calls:
    """Answers as AWS's client would, as a test says for each operation; notes what was asked."""

    def __init__(self, **answers: object) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __getattr__(self, operation: str) -> Callable[..., object]:
        def call(**_: object) -> object:
            self.asked.append(operation)
            answer = self.answers[operation]
            return answer() if callable(answer) else answer

        return call


async def copied_by(client: Calls, beat: Beat = beat, largest: int = 1000) -> bool:
    """Have a service copy a hundred bytes, in parts if they are more than `largest`."""
    place = parse_place("s3://bucket?endpoint=http://127.0.0.1:1&region=any")
    assert isinstance(place, S3Place)
    copies = S3Copies(place, "storage backend s3", largest=largest)
    copies._client = client
    original = Original(place=place, key="tams/a.ts", size=100, etag='"a"')
    return await copies.copy(original, "copy.ts", "video/mp2t", beat)


async def lost() -> None:
    raise LeaseLost("it took too long")


async def test_a_worker_that_lost_its_lease_asks_a_service_for_nothing() -> None:
    client = Calls(copy_object={})
    with pytest.raises(LeaseLost):
        await copied_by(client, lost)
    assert client.asked == []


async def test_a_service_that_takes_a_copy_for_an_upload_does_not_copy() -> None:
    whole = Calls(copy_object={"ETag": "of nothing"})
    assert not await copied_by(whole)
    parts = Calls(
        create_multipart_upload={"UploadId": "u"},
        upload_part_copy={"ETag": "of nothing"},
        abort_multipart_upload={},
    )
    assert not await copied_by(parts, largest=50)
    assert parts.asked == [*parts.answers]


def test_the_process_ends_though_a_service_hangs_amid_a_copy() -> None:
    asked, goes_on = Event(), Event()

    def hang() -> dict[str, object]:
        asked.set()
        goes_on.wait(60)
        return {}

    async def give_up() -> None:
        copying = asyncio.create_task(copied_by(Calls(copy_object=hang)))
        await asyncio.to_thread(asked.wait)
        copying.cancel()
        await asyncio.gather(copying, return_exceptions=True)

    process = Thread(target=lambda: asyncio.run(give_up()), daemon=True)
    process.start()
    process.join(20)
    has_ended = not process.is_alive()
    goes_on.set()
    assert has_ended


async def test_bytes_that_are_slow_to_become_durable_are_waited_for(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beats, "EVERY_S", 0.001)
    durable = asyncio.Event()
    beaten = []

    class Slow(LocalStorage):
        async def write(
            self,
            key: str,
            content_type: str,
            checksums: Mapping[str, str],
            chunks: AsyncIterator[bytes],
        ) -> StoredObject:
            stored = await super().write(key, content_type, checksums, chunks)
            beaten.clear()
            await durable.wait()
            return stored

    async def count() -> None:
        beaten.append(None)
        if len(beaten) == 3:
            durable.set()

    slow = Slow(local.backend, local.root, local._urls)
    async with asyncio.timeout(20):
        await copy(source(), slow, "copy.ts", count)
    durable.clear()
    with pytest.raises(LeaseLost):
        await copy(source(), slow, "other.ts", once_lost_after(25))
    await slow.close()


def once_lost_after(beats_before: int) -> Beat:
    """A beat that fails once it has come so often, which is after the last byte has passed."""
    left = [beats_before]

    async def fail_at_last() -> None:
        left[0] -= 1
        if left[0] < 0:
            await lost()

    return fail_at_last
