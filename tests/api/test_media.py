"""`/media` over real HTTP: what clients get, and what forgers and broken uploads do not."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from tests.api.media_store import CONTENT, Store
from tests.media_server import MAX_SIZE, StoppedClock

DIGESTS = {
    "Content-MD5": "JfnnlDI7RTiF9RgfG2JNCw==",
    "x-amz-checksum-sha256": "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
    "x-amz-checksum-crc32c": "4waSgw==",
}
ETAG = '"25f9e794323b453885f5181f1b624d0b"'


async def test_a_put_is_answered_like_an_object_store(store: Store) -> None:
    answer = await store.put()
    assert answer.status == 200
    assert answer.headers["ETag"] == ETAG
    assert answer.headers["Content-Length"] == "0"


async def test_checksums_are_given_back(store: Store) -> None:
    await store.put(**DIGESTS)
    for method in ("GET", "HEAD"):
        async with store.client.request(method, store.get_url()) as answer:
            assert {name: answer.headers[name] for name in DIGESTS} == DIGESTS
            assert answer.headers["ETag"] == ETAG
            assert answer.headers["Content-Length"] == "9"
            assert answer.headers["Content-Type"] == "video/mp2t"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Last-Modified"].endswith(" GMT")


@pytest.mark.parametrize("name", DIGESTS)
async def test_a_wrong_checksum_stores_nothing(store: Store, name: str) -> None:
    answer = await store.put(b"123456788", **{name: DIGESTS[name]})
    assert answer.status == 400
    body = await answer.json()
    assert body["type"] == "Invalid"
    assert body["summary"].startswith(f"{name.lower()}: ")
    assert DIGESTS[name] in body["summary"]
    assert store.files() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-MD5", "not base64"),
        ("x-amz-checksum-sha256", "4waSgw=="),
        ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA="),
        ("Content-Encoding", "aws-chunked"),
        ("Content-Range", "bytes 0-8/9"),
    ],
)
async def test_a_header_that_cannot_be_honoured_is_named(
    store: Store, name: str, value: str
) -> None:
    answer = await store.put(**{name: value})
    assert answer.status == 400
    assert (await answer.json())["summary"].startswith(f"{name.lower()}: ")
    assert store.files() == []


async def test_other_headers_of_object_store_clients_are_let_through(store: Store) -> None:
    answer = await store.put(
        **{
            "x-amz-sdk-checksum-algorithm": "CRC32",
            "x-amz-checksum-algorithm": "SHA256",
            "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
            "Authorization": "Bearer of-the-api",
        }
    )
    assert answer.status == 200
    assert await store.get(Authorization="Basic bm86b25l") == (200, CONTENT)


async def test_a_put_may_leave_out_the_type_but_not_change_it(store: Store) -> None:
    async with store.client.put(store.put_url(), data=io.BytesIO(CONTENT)) as answer:
        assert answer.status == 200
    changed = await store.put(b"other", **{"Content-Type": "text/html"})
    assert changed.status == 403
    assert "Content-Type" in (await changed.json())["summary"]
    async with store.client.get(store.get_url()) as found:
        assert found.headers["Content-Type"] == "video/mp2t"
        assert await found.read() == CONTENT


async def test_an_unbound_put_takes_the_type_it_is_sent(store: Store) -> None:
    await store.put(url=store.put_url(""), **{"Content-Type": "video/x-any"})
    async with store.client.head(store.get_url()) as found:
        assert found.headers["Content-Type"] == "video/x-any"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/media/6a8f3f6c", "/media/6a8f3f6d"),
        ("object.ts", "other.ts"),
        ("object.ts", "../flow/object.tt"),
        ("expires=1", "expires=2"),
        ("expires=", "expired="),
        ("signature=", "signature=0"),
        ("signature=", "signature=%C3%A9"),
        ("signature=", "x="),
        ("content-type=video/mp2t", "content-type=video/mp4"),
        ("content-type=video/mp2t&", ""),
    ],
)
async def test_a_tampered_url_is_refused(store: Store, old: str, new: str) -> None:
    await store.put()
    before = store.files()
    forged = store.put_url().replace(old, new, 1)
    answer = await store.put(b"forged", url=forged)
    assert answer.status == 403
    assert (await answer.json())["type"] == "MediaRefused"
    assert store.files() == before
    reading = store.get_url()
    if old in reading:
        assert (await store.get(reading.replace(old, new, 1)))[0] == 403
    assert await store.get() == (200, CONTENT)


async def test_a_url_ends(store: Store, clock: StoppedClock) -> None:
    await store.put()
    get_url, put_url = store.get_url(), store.put_url()
    clock.move(3600)
    assert await store.get(get_url) == (200, CONTENT)
    clock.move(961)
    assert (await store.get(get_url))[0] == 403
    assert (await store.put(url=put_url)).status == 403


async def test_bytes_that_are_absent_are_404(store: Store) -> None:
    for method in ("GET", "HEAD"):
        status, _ = await store.get(method=method)
        assert status == 404


async def test_an_empty_object_is_an_object(store: Store) -> None:
    assert (await store.put(b"")).status == 200
    assert await store.get() == (200, b"")
    assert (await store.get(Range="bytes=0-"))[0] == 416


async def test_an_oversized_upload_is_refused_before_it_is_read(store: Store) -> None:
    answer = await store.put(b"x" * (MAX_SIZE + 1))
    assert answer.status == 413
    assert str(MAX_SIZE) in (await answer.json())["summary"]
    assert store.files() == []
    assert (await store.put(b"x" * MAX_SIZE)).status == 200


async def test_an_oversized_upload_of_unknown_length_leaves_nothing(store: Store) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(MAX_SIZE // 65536 + 1):
            yield b"x" * 65536

    headers = {"Content-Type": "video/mp2t"}
    async with store.client.put(store.put_url(), data=body(), headers=headers) as answer:
        assert answer.status == 413
    assert store.files() == []


async def test_a_connection_closed_in_the_middle_leaves_nothing(store: Store) -> None:
    url = urlsplit(store.put_url())
    assert url.port is not None
    _, writer = await asyncio.open_connection(url.hostname, url.port)
    head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n"
    writer.write(head.encode() + b"x" * 1_500_000)
    await writer.drain()
    await store.until(lambda: len(store.files()) == 1)
    writer.close()
    await writer.wait_closed()
    await store.until(lambda: store.files() == [])
    assert (await store.get())[0] == 404
    assert (await store.put()).status == 200


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=0-2", 206, b"123"),
        ("bytes=8-100", 206, b"9"),
        ("bytes=4-", 206, b"56789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=-100", 206, CONTENT),
        ("bytes=0-1,3-4", 200, CONTENT),
        ("bytes=5-2", 200, CONTENT),
        ("bytes=-", 200, CONTENT),
        ("bytes=x-y", 200, CONTENT),
        ("frames=0-2", 200, CONTENT),
        ("", 200, CONTENT),
    ],
)
async def test_ranges(store: Store, asked: str, status: int, body: bytes) -> None:
    await store.put()
    assert await store.get(Range=asked) == (status, body)


@pytest.mark.parametrize("asked", ["bytes=9-", "bytes=100-200", "bytes=-0"])
async def test_a_range_that_holds_no_byte_is_416(store: Store, asked: str) -> None:
    await store.put()
    async with store.client.get(store.get_url(), headers={"Range": asked}) as answer:
        assert answer.status == 416
        assert answer.headers["Content-Range"] == "bytes */9"
        assert "9 bytes" in (await answer.json())["summary"]


async def test_a_range_of_head_is_described(store: Store) -> None:
    await store.put()
    async with store.client.head(store.get_url(), headers={"Range": "bytes=2-3"}) as answer:
        assert answer.status == 206
        assert answer.headers["Content-Range"] == "bytes 2-3/9"
        assert answer.headers["Content-Length"] == "2"


async def test_a_range_of_bytes_since_replaced_gives_all(store: Store) -> None:
    await store.put()
    assert await store.get(Range="bytes=0-2", **{"If-Range": ETAG}) == (206, b"123")
    assert await store.get(Range="bytes=0-2", **{"If-Range": '"old"'}) == (200, CONTENT)


async def test_bytes_that_the_client_has_are_not_sent(store: Store) -> None:
    await store.put()
    assert await store.get(**{"If-None-Match": f'"old", {ETAG}'}) == (304, b"")
    assert await store.get(**{"If-None-Match": '"old"'}) == (200, CONTENT)
