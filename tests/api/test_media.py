"""`/media` over real HTTP: what clients get, and what forgers and broken uploads do not."""

from __future__ import annotations

import asyncio
import io
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from starlette.types import Message

from tams.api.media import ObjectResponse, Span
from tams.services.media import ReadableObject
from tams.storage.local import LocalStorage
from tams.storage.signing import MediaUrls
from tests.media_server import BACKEND, KEY, MAX_SIZE, SECRET, StoppedClock, serving

DIGESTS = {
    "Content-MD5": "JfnnlDI7RTiF9RgfG2JNCw==",
    "x-amz-checksum-sha256": "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
    "x-amz-checksum-crc32c": "4waSgw==",
}
CONTENT = b"123456789"
LARGE = 64 << 20
ETAG = '"25f9e794323b453885f5181f1b624d0b"'


class Store:
    """A running server of one folder, the clock that it goes by, and a client."""

    def __init__(self, base_url: str, storage: LocalStorage, client: aiohttp.ClientSession) -> None:
        self.base_url = base_url
        self.storage = storage
        self.client = client

    def get_url(self, key: str = KEY) -> str:
        return self.storage.sign_gets(self.base_url)(key)

    def put_url(self, content_type: str = "video/mp2t") -> str:
        return self.storage.sign_put(self.base_url, KEY, content_type).url

    async def put(
        self, content: bytes = CONTENT, url: str = "", **headers: str
    ) -> aiohttp.ClientResponse:
        headers = {"Content-Type": "video/mp2t"} | headers
        async with self.client.put(
            url or self.put_url(), data=io.BytesIO(content), headers=headers
        ) as answer:
            await answer.read()
            return answer

    async def get(self, url: str = "", method: str = "GET", **headers: str) -> tuple[int, bytes]:
        async with self.client.request(method, url or self.get_url(), headers=headers) as answer:
            return answer.status, await answer.read()

    def files(self) -> list[Path]:
        found = self.storage.root.rglob("*")
        return [path for path in found if path.is_file() and path.name != ".lock"]

    def open_files(self) -> list[Path]:
        found = (path.resolve() for path in Path("/proc/self/fd").iterdir())
        return [path for path in found if self.storage.root in path.parents]

    def make_large(self) -> Path:
        """An Object without facts that takes no room."""
        path = self.storage.root / KEY
        path.parent.mkdir(parents=True)
        path.touch()
        os.truncate(path, LARGE)
        return path

    async def until(self, condition: Callable[[], bool]) -> None:
        """Ask the server for nothing in particular until it has come to that."""
        async with asyncio.timeout(20):
            while not condition():
                await self.get(f"{self.base_url}/media/x/y")


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def store(tmp_path: Path, clock: StoppedClock) -> AsyncIterator[Store]:
    urls = MediaUrls(SECRET, clock, timeout=3600, window=900)
    storage = LocalStorage(BACKEND, tmp_path, urls)
    await storage.open()
    async with (
        serving({BACKEND.id: storage}) as base_url,
        aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as client,
    ):
        yield Store(base_url, storage, client)
    await storage.close()


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


async def test_large_bytes_arrive_whole(store: Store) -> None:
    content = bytes(range(251)) * 12_000
    await store.put(content)
    assert await store.get() == (200, content)
    assert await store.get(Range="bytes=1048570-2097160") == (206, content[1048570:2097161])


async def test_a_reader_who_leaves_lets_go_of_the_file(store: Store) -> None:
    await store.put(b"x" * MAX_SIZE)
    for _ in range(5):
        answer = await store.client.get(store.get_url())
        await answer.content.readany()
        answer.close()
    await store.until(lambda: store.open_files() == [])


async def test_a_server_that_lends_no_socket_sends_the_same(store: Store) -> None:
    content = bytes(range(251)) * 12_000
    await store.put(content)
    async with serving({BACKEND.id: store.storage}, "h11") as base_url:
        url = store.storage.sign_gets(base_url)(KEY)
        assert await store.get(url) == (200, content)
        assert await store.get(url, Range="bytes=7-2097160") == (206, content[7:2097161])


async def test_answers_follow_each_other_on_a_connection(store: Store) -> None:
    """Large, small and of a server's own, asked for before the first is read."""
    content = bytes(range(251)) * 12_000
    await store.put(content)
    url = urlsplit(store.get_url())
    assert url.port is not None
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    asked = [(0, 3_011_999), (5, 8), (1, 2_000_000), (2, 3_000_000), (9_999_999, "")]
    for first, last in asked:
        head = f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: x\r\nRange: bytes={first}-{last}"
        writer.write(f"{head}\r\n\r\n".encode())
    for first, last in asked[:-1]:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 206 ")
        body = content[first : int(last) + 1]
        assert await reader.readexactly(len(body)) == body
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 416 ")
    writer.close()
    await writer.wait_closed()


@asynccontextmanager
async def slow_reader(store: Store) -> AsyncIterator[asyncio.StreamReader]:
    """A client who has read the head of an answer that fills every buffer on its way."""
    url = urlsplit(store.get_url())
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, (url.hostname, url.port))
    reader, writer = await asyncio.open_connection(sock=connection)
    writer.write(f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert f"content-length: {LARGE}".encode() in await reader.readuntil(b"\r\n\r\n")
    yield reader
    writer.close()
    await writer.wait_closed()


async def test_a_file_that_is_cut_short_ends_the_connection(store: Store) -> None:
    path = store.make_large()
    async with slow_reader(store) as reader, asyncio.timeout(20):
        os.truncate(path, LARGE - 1)
        assert len(await reader.read()) == LARGE - 1
    await store.until(lambda: store.open_files() == [])


async def test_a_slow_reader_who_leaves_leaves_nothing_behind(store: Store) -> None:
    path = store.make_large()
    async with slow_reader(store) as reader:
        await reader.readexactly(1 << 20)
        assert store.open_files() == [path]
    await store.until(lambda: store.open_files() == [])
    assert not [task for task in asyncio.all_tasks() if "run_asgi" in repr(task)]


async def test_an_answer_that_never_begins_lets_go_of_the_file(store: Store) -> None:
    await store.put()
    opened = await store.storage.opened(KEY)
    assert opened is not None
    answer = ObjectResponse(ReadableObject(store.storage, opened), Span(0, 9), 200, {})

    async def gone(message: object) -> None:
        raise ConnectionError(message)

    async def wait() -> Message:
        return await asyncio.Future()

    with pytest.raises(ConnectionError):
        await answer({"type": "http", "method": "GET"}, wait, gone)
    assert store.open_files() == []
