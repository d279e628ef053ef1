"""What S3 storage promises beyond the contract, on a real gateway and on services that fail."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from tams.errors import BadSettings, Invalid, StorageFailed
from tams.storage.base import Storage
from tams.storage.credentials import AwsCredentials
from tams.storage.remote import PART, Patience
from tams.storage.s3 import S3Storage
from tams.storage.sigv4 import Credentials, S3Urls
from tests.ceph import ACCESS_KEY, HOST, SECRET_KEY, Gateway
from tests.media_server import KEY, StoppedClock
from tests.storage.conftest import PATIENT, Served, s3_storage

SOON = Patience(0.3, 0.3, 0.3)
SECRETS = Credentials(ACCESS_KEY, SECRET_KEY)


@pytest.fixture
def storage(s3: S3Storage) -> Storage:
    return s3


async def chunks(*parts: bytes | Exception) -> AsyncIterator[bytes]:
    for part in parts:
        if isinstance(part, Exception):
            raise part
        yield part


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


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No credentials around, wherever they might be."""
    for name, value in Gateway("").environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return


@pytest.mark.usefixtures("nobody")
async def test_missing_credentials_stop_the_start() -> None:
    for query, told in (("", "none were found; set AWS_ACC"), ("&profile=other", "other")):
        storage = s3_storage(f"s3://media?endpoint=http://127.0.0.1:1{query}")
        with pytest.raises(BadSettings, match=f"storage backend s3: S3 credentials: .*{told}"):
            await storage.open()
        await storage.close()


@pytest.mark.usefixtures("nobody")
async def test_credentials_are_renewed_before_they_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text(f"[profile facility]\ncredential_process = cat {tmp_path}/now.json\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

    def now_are(number: int, minutes: int) -> None:
        content = {
            "Version": 1,
            "AccessKeyId": f"key {number}",
            "SecretAccessKey": "secret",
            "SessionToken": f"token {number}",
            "Expiration": (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(),
        }
        (tmp_path / "now.json").write_text(json.dumps(content))

    now_are(1, minutes=12)
    credentials = AwsCredentials("facility", url_lifetime=3600)
    await credentials.open()
    assert credentials.current() == ("key 1", "secret", "token 1")
    now_are(2, minutes=600)
    await credentials.refresh()
    assert credentials.current() == ("key 2", "secret", "token 2")
    now_are(3, minutes=600)
    await credentials.refresh()
    assert credentials.current().token == "token 2"
    given = credentials.provide()
    assert (given["access_key_id"], given["token"]) == ("key 2", "token 2")
    assert given["expires_at"] is not None
    await credentials.close()


@pytest.mark.usefixtures("nobody")
async def test_a_role_that_is_refused_is_told_and_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [unassumed("AccessDenied"), assumed(1), unassumed("ExpiredToken"), assumed(2)]

    async with service(lambda *_: answers.pop(0)) as url:
        (tmp_path / "token").write_text("web identity")
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/store")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "here")
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url.partition("endpoint=")[2])
        credentials = AwsCredentials(None, url_lifetime=3600)
        with pytest.raises(BadSettings, match=r"S3 credentials cannot be renewed: .*AccessDenied"):
            await credentials.open()
        await credentials.open()
        with pytest.raises(BadSettings, match="ExpiredToken"):
            await credentials.refresh()
        assert credentials.current().token == "token 1"
        await credentials.refresh()
        assert credentials.current().token == "token 2"
        await credentials.close()
    assert answers == []


def unassumed(code: str) -> web.Response:
    return web.Response(
        status=403,
        content_type="text/xml",
        text=f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>",
    )


def assumed(number: int) -> web.Response:
    """What a role is given: credentials that end in five minutes."""
    ends = datetime.now(UTC) + timedelta(minutes=5)
    return web.Response(
        content_type="text/xml",
        text=f"""<AssumeRoleWithWebIdentityResponse
xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>key {number}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>token {number}</SessionToken><Expiration>{ends:%Y-%m-%dT%H:%M:%SZ}</Expiration>
</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>""",
    )


@asynccontextmanager
async def service(answer: Callable[[web.Request, bytes], web.Response]) -> AsyncIterator[str]:
    """A service that answers everything as a test says; gives the setting of a bucket of its."""

    async def handle(request: web.Request) -> web.Response:
        return answer(request, await request.read())

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"s3://media?endpoint=http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def error(status: int, code: str) -> web.Response:
    return web.Response(status=status, text=f"<Error><Code>{code}</Code></Error>")


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in Gateway("").environment.items():
        monkeypatch.setenv(name, value)


async def attempts(storage: S3Storage) -> list[str]:
    """What each operation says; none may succeed, or take long."""
    await storage._credentials.open()

    async def failing(attempt: Awaitable[object]) -> str:
        with pytest.raises(StorageFailed) as failure:
            await attempt
        return str(failure.value)

    async with asyncio.timeout(60):
        said = await asyncio.gather(
            failing(storage.head(KEY)),
            failing(storage.ping()),
            failing(anext(storage.read(KEY))),
            failing(anext(storage.list("tams/"))),
            failing(storage.write(KEY, "video/mp2t", {}, chunks(b"bytes"))),
            failing(storage.write(KEY, "video/mp2t", {}, chunks(bytes(PART), bytes(PART)))),
            failing(storage.delete(KEY)),
        )
        failed = await storage.delete_many([KEY, f"{KEY}x"])
    assert set(failed) == {KEY, f"{KEY}x"}
    await storage.close()
    return said


@pytest.mark.usefixtures("somebody")
async def test_a_service_that_is_down_fails_soon() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    said = await attempts(s3_storage(f"s3://media?endpoint=http://127.0.0.1:{port}", SOON))
    assert set(said) == {"storage backend s3: it gave no answer in time, or none of use"}
    storage = s3_storage(f"s3://media?endpoint=http://127.0.0.1:{port}", SOON)
    with pytest.raises(BadSettings, match="correct the endpoint, or start the service"):
        await storage.open()
    await storage.close()


@pytest.mark.usefixtures("somebody")
async def test_a_service_that_hangs_fails_soon() -> None:
    held = []
    server = await asyncio.start_server(lambda *streams: held.append(streams), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    said = await attempts(s3_storage(f"s3://media?endpoint=http://127.0.0.1:{port}", SOON))
    assert set(said) == {"storage backend s3: it gave no answer in time, or none of use"}
    for _, writer in held:
        writer.close()
    server.close()


@pytest.mark.usefixtures("somebody")
@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (503, "SlowDown")])
async def test_a_service_that_refuses_fails_with_its_answer(status: int, code: str) -> None:
    async with service(lambda *_: error(status, code)) as url:
        said = await attempts(s3_storage(url))
    assert all(one.startswith(f"storage backend s3: it answered {status}") for one in said)
    assert any(f"({code})" in one for one in said)


@pytest.mark.usefixtures("somebody")
async def test_what_cannot_be_deleted_keeps_nothing_else() -> None:
    gone = set()

    def answer(request: web.Request, _: bytes) -> web.Response:
        if request.method == "GET":
            return web.Response(text="<ListBucketResult></ListBucketResult>")
        if request.method == "POST":
            return error(501, "NotImplemented")
        if request.path.endswith("/held"):
            return error(403, "AccessDenied")
        gone.add(request.path)
        return web.Response(status=204)

    async with service(answer) as url:
        storage = s3_storage(url)
        await storage._credentials.open()
        failed = await storage.delete_many(["a", "held", "b"])
        await storage.close()
    assert {key: str(failure) for key, failure in failed.items()} == {
        "held": "storage backend s3: it answered 403 (AccessDenied)"
    }
    assert gone == {"/media/a", "/media/b"}
