"""What S3 storage promises beyond the contract, on a real gateway."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from tams.errors import BadSettings, Invalid, StorageFailed
from tams.storage.base import Storage
from tams.storage.remote import PART
from tams.storage.s3 import S3Storage
from tams.storage.sigv4 import Credentials, S3Urls
from tests.ceph import ACCESS_KEY, HOST, SECRET_KEY, Gateway
from tests.media_server import KEY, StoppedClock
from tests.storage.conftest import PATIENT, SOON, Served, chunks, s3_storage

SECRETS = Credentials(ACCESS_KEY, SECRET_KEY)


@pytest.fixture
def storage(s3: S3Storage) -> Storage:
    return s3


def in_base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "video/x-any"},
        {"Content-MD5": in_base64(hashlib.md5(b"bytes").digest())},
        {"x-amz-checksum-sha256": in_base64(hashlib.sha256(b"bytes").digest())},
        {"x-amz-checksum-crc32c": "AAAAAA==", "x-amz-sdk-checksum-algorithm": "CRC32C"},
        {"Content-Type": "video/mp2t", "Cache-Control": "max-age=60"},
    ],
)
async def test_a132_l18_a_put_url_takes_any_type_and_checksum(
    served: Served, headers: dict[str, str]
) -> None:
    request = served.storage.sign_put("", KEY, "video/mp2t")
    async with served.client.put(request.url, data=b"bytes", headers=headers) as answer:
        assert answer.status == 200
    stored = await served.storage.head(KEY)
    assert stored is not None
    assert stored.size == 5
    assert stored.content_type == headers.get("Content-Type", stored.content_type)


async def test_b087_an_endpoint_needs_no_region_and_has_the_bucket_in_its_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "access")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    storage = s3_storage("s3://media?endpoint=https://store.example:9000")
    await storage._credentials.open()
    url = urlsplit(storage.sign_put("", KEY, "video/mp2t").url)
    assert (url.netloc, url.path) == ("store.example:9000", f"/media/{KEY}")
    assert parse_qs(url.query)["X-Amz-SignedHeaders"] == ["host"]
    await storage.close()


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("X-Amz-Expires=4560", "X-Amz-Expires=9999"),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=host%3Brange"),
        (f"X-Amz-Credential={ACCESS_KEY}", "X-Amz-Credential=other"),
        ("us-east-1", "us-east-2"),
        ("/object.ts", "/object.tt"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("X-Amz-Date=2", "X-Amz-Date=1"),
    ],
)
async def test_no_part_of_a_url_can_be_changed(served: Served, part: str, changed: str) -> None:
    await served.storage.write(KEY, "video/mp2t", {}, chunks(b"bytes"))
    url = served.get_url(KEY)
    assert part in url
    async with served.client.get(url.replace(part, changed)) as answer:
        assert answer.status in (400, 403)
    async with served.client.get(url) as answer:
        assert answer.status == 200


async def test_a_url_ends_when_it_says(served: Served, s3: S3Storage, clock: StoppedClock) -> None:
    await s3.write(KEY, "video/mp2t", {}, chunks(b"bytes"))
    for method in ("GET", "PUT"):
        for age, status in ((4400, 200), (4700, 403)):
            clock.now = datetime.now(UTC) - timedelta(seconds=age)
            urls = S3Urls(
                s3.place.public, s3.place.prefix, lambda: SECRETS, clock, timeout=4499, window=1
            )
            signer = urls.getter() if method == "GET" else urls.putter()
            async with served.client.request(method, signer(KEY)) as answer:
                assert answer.status == status


class Here(AbstractResolver):
    """Takes this machine for every host."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        pass


async def test_a_bucket_may_be_a_host(s3: S3Storage) -> None:
    await s3.write(KEY, "video/mp2t", {}, chunks(b"bytes"))
    port = urlsplit(s3.place.bucket.endpoint).port
    public = replace(s3.place.bucket, endpoint=f"http://{HOST}:{port}", virtual=True)
    there = S3Storage(
        s3.backend,
        replace(s3.place, public=public),
        lambda: datetime.now(UTC),
        url_timeout=60,
        url_window=1,
        patience=PATIENT,
    )
    await there.open()
    connector = aiohttp.TCPConnector(resolver=Here())
    async with aiohttp.ClientSession(connector=connector) as client:
        for key, status in ((KEY, 200), (f"{KEY}x", 404)):
            url = there.sign_gets("")(key)
            assert url.startswith(f"http://{public.name}.{HOST}:{port}/")
            async with client.get(url) as answer:
                assert answer.status == status
        async with client.put(there.sign_put("", KEY, "").url, data=b"other") as answer:
            assert answer.status == 200
    await there.close()


async def test_large_objects_are_written_in_parts(s3: S3Storage, gateway: Gateway) -> None:
    content = bytes(range(256)) * (PART // 200)
    pieces = [content[at : at + 700_000] for at in range(0, len(content), 700_000)]
    told = {"x-amz-checksum-sha256": in_base64(hashlib.sha256(content).digest())}
    stored = await s3.write(KEY, "video/mp2t", told, chunks(*pieces))
    assert stored.etag.endswith('-2"')
    read = [piece async for piece in s3.read(KEY)]
    assert b"".join(read) == content
    assert max(map(len, read)) <= 1 << 20
    wrong = {"x-amz-checksum-sha256": in_base64(hashlib.sha256(b"other").digest())}
    with pytest.raises(Invalid, match="x-amz-checksum-sha256"):
        await s3.write(f"{KEY}.2", "video/mp2t", wrong, chunks(*pieces))
    with pytest.raises(StorageFailed, match="broke off"):
        await s3.write(f"{KEY}.2", "video/mp2t", {}, chunks(*pieces, StorageFailed("broke off")))
    assert await s3.head(f"{KEY}.2") is None
    client = gateway.client()
    assert "Uploads" not in client.list_multipart_uploads(Bucket=s3.place.bucket.name)
    client.close()


async def test_a_write_may_be_broken_off(s3: S3Storage, gateway: Gateway) -> None:
    waits, ended = asyncio.Event(), asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            for _ in range(3):
                yield bytes(PART)
            waits.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    writing = asyncio.create_task(s3.write(KEY, "video/mp2t", {}, endless()))
    await waits.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await ended.wait()
    assert await s3.head(KEY) is None
    client = gateway.client()
    bucket = s3.place.bucket.name
    for left in client.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
        # Else by a lifecycle rule, docs/storage.md.
        client.abort_multipart_upload(Bucket=bucket, Key=left["Key"], UploadId=left["UploadId"])
    client.close()


async def test_a_bucket_that_has_gone_is_not_an_object_that_has(
    s3_url: str, s3_bucket: str
) -> None:
    storage = s3_storage(without(s3_bucket, s3_url))
    await storage._credentials.open()
    with pytest.raises(StorageFailed, match="NoSuchBucket"):
        await storage.head(KEY)
    await storage.close()


async def test_advice_is_about_what_happened(s3_url: str) -> None:
    storage = s3_storage("s3://media?endpoint=http://127.0.0.1:1", SOON)
    object.__setattr__(storage, "backend", replace(storage.backend, label="404 answered"))
    with pytest.raises(BadSettings, match="correct the endpoint, or start the service"):
        await storage.open()
    await storage.close()


async def test_the_last_bytes_may_be_asked_for(served: Served) -> None:
    await served.storage.write(KEY, "video/mp2t", {}, chunks(b"bytes"))
    headers = {"Range": "bytes=-2"}
    async with served.client.get(served.get_url(KEY), headers=headers) as answer:
        assert (answer.status, await answer.read()) == (206, b"es")


@pytest.mark.parametrize(("start", "end"), [(5, None), (7, None), (7, 9), (0, 99), (4, 5)])
async def test_a_read_ends_with_the_bytes(s3: S3Storage, start: int, end: int | None) -> None:
    await s3.write(KEY, "video/mp2t", {}, chunks(b"bytes"))
    assert b"".join([piece async for piece in s3.read(KEY, start, end)]) == b"bytes"[start:end]


async def test_keys_of_other_prefixes_are_not_seen(s3: S3Storage, s3_url: str) -> None:
    await s3.write(KEY, "video/mp2t", {}, chunks(b"bytes"))
    await s3.write("tams/.hidden", "video/mp2t", {}, chunks(b"bytes"))
    beside = s3_storage(s3_url.replace("?", "2?"))
    await beside.open()
    assert await beside.head(KEY) is None
    assert [page async for page in beside.list("tams/")] == []
    assert [[stored.key for stored in page] async for page in s3.list("tams/")] == [[KEY]]
    await beside.close()


def without(bucket: str, url: str) -> str:
    return url.replace(bucket, "no-such-bucket")


@pytest.mark.parametrize(
    ("change", "secret", "told"),
    [
        (without, SECRET_KEY, r"404 \(NoSuchBucket\): cannot list keys at .*; create it"),
        (lambda _, url: url, "x", r"403 \(SignatureDoesNotMatch\): .*; correct the secret key"),
    ],
)
async def test_a_bucket_that_cannot_be_used_stops_the_start(
    s3_url: str,
    s3_bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[str, str], str],
    secret: str,
    told: str,
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    storage = s3_storage(change(s3_bucket, s3_url))
    with pytest.raises(BadSettings, match=rf"storage backend s3: it answered {told}"):
        await storage.open()
    await storage.close()
