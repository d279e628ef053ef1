"""What every storage backend promises, by the URLs that it signs."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tams.errors import Invalid, NotFound, StorageFailed
from tams.storage.copying import copy, stored
from tams.storage.s3 import S3Storage
from tests.storage.conftest import Served

KEY = "tams/2026/11/20/flow/object.ts"
CONTENT = bytes(range(256)) * 5000
STORED = (200, 201)


def md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


async def put(served: Served, content: bytes, key: str = KEY, **headers: str) -> int:
    request = served.storage.sign_put(served.base_url, key, "video/mp2t")
    sent = {"Content-Type": request.content_type, **request.headers, **headers}
    async with served.client.put(request.url, data=io.BytesIO(content), headers=sent) as answer:
        return answer.status


async def test_what_is_put_is_read_back(served: Served) -> None:
    assert await put(served, CONTENT) in STORED
    async with served.client.get(served.get_url(KEY)) as answer:
        assert answer.status == 200
        assert await answer.read() == CONTENT
        assert answer.headers["Content-Type"] == "video/mp2t"
        assert answer.headers["Content-Length"] == str(len(CONTENT))
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.headers["ETag"].strip('"')


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("0-0", 0, 1), ("100-299999", 100, 300_000), ("1279000-", 1_279_000, None)],
)
async def test_a_range_is_answered_with_its_bytes(
    served: Served, asked: str, start: int, end: int | None
) -> None:
    await put(served, CONTENT)
    headers = {"Range": f"bytes={asked}"}
    async with served.client.get(served.get_url(KEY), headers=headers) as answer:
        assert answer.status == 206
        assert await answer.read() == CONTENT[start:end]
        first, last, _ = slice(start, end).indices(len(CONTENT))
        assert answer.headers["Content-Range"] == f"bytes {first}-{last - 1}/{len(CONTENT)}"


async def test_a_range_beyond_the_end_is_416(served: Served) -> None:
    await put(served, b"short")
    headers = {"Range": "bytes=99-"}
    async with served.client.get(served.get_url(KEY), headers=headers) as answer:
        assert answer.status == 416


async def test_a_second_put_replaces_the_bytes(served: Served) -> None:
    await put(served, CONTENT)
    assert await put(served, b"other") in STORED
    async with served.client.get(served.get_url(KEY)) as answer:
        assert await answer.read() == b"other"


async def test_content_md5_is_verified(served: Served) -> None:
    assert await put(served, CONTENT, **{"Content-MD5": md5(CONTENT)}) in STORED
    assert await put(served, b"other", **{"Content-MD5": md5(CONTENT)}) == 400
    async with served.client.get(served.get_url(KEY)) as answer:
        assert await answer.read() == CONTENT


async def test_urls_are_ascii_and_need_no_escape_in_json(served: Served) -> None:
    for url in (
        served.get_url(KEY),
        served.storage.sign_put(served.base_url, KEY, "application/ttml+xml").url,
    ):
        assert json.dumps(url) == f'"{url}"'


async def test_head_of_the_storage_knows_size_type_and_etag(served: Served) -> None:
    assert await served.storage.head(KEY) is None
    await put(served, CONTENT)
    stored = await served.storage.head(KEY)
    assert stored is not None
    assert (stored.size, stored.content_type) == (len(CONTENT), "video/mp2t")
    async with served.client.get(served.get_url(KEY)) as answer:
        assert answer.headers["ETag"] == stored.etag


async def test_bytes_are_read_without_http(served: Served) -> None:
    await put(served, CONTENT)
    assert b"".join([part async for part in served.storage.read(KEY)]) == CONTENT
    assert b"".join([part async for part in served.storage.read(KEY, 10, 20)]) == CONTENT[10:20]
    with pytest.raises(NotFound):
        await anext(served.storage.read("tams/none.ts"))


async def chunks(*parts: bytes | Exception) -> AsyncIterator[bytes]:
    for part in parts:
        if isinstance(part, Exception):
            raise part
        yield part


async def test_bytes_are_written_without_http(served: Served) -> None:
    parts = [CONTENT[at : at + 300_000] for at in range(0, len(CONTENT), 300_000)]
    told = {"content-md5": md5(CONTENT)}
    written = await served.storage.write(KEY, "video/mp2t", told, chunks(*parts))
    assert (written.size, written.content_type) == (len(CONTENT), "video/mp2t")
    assert await served.storage.head(KEY) == written
    async with served.client.get(served.get_url(KEY)) as answer:
        assert answer.headers["Content-Type"] == "video/mp2t"
        assert await answer.read() == CONTENT


@pytest.mark.parametrize("before", [None, b"what was there"])
async def test_a_write_that_fails_leaves_what_was_there(
    served: Served, before: bytes | None
) -> None:
    if before is not None:
        await put(served, before)
    told = {"content-md5": md5(b"other")}
    with pytest.raises(Invalid, match="content-md5"):
        await served.storage.write(KEY, "video/mp2t", told, chunks(CONTENT))
    broken = chunks(CONTENT, StorageFailed("broke off"))
    with pytest.raises(StorageFailed, match="broke off"):
        await served.storage.write(KEY, "video/mp2t", {}, broken)
    stored = await served.storage.head(KEY)
    assert (stored and stored.size) == (before and len(before))


async def test_bytes_are_copied_with_their_type(served: Served) -> None:
    await put(served, CONTENT)
    passed = []

    async def beat() -> None:
        passed.append(None)

    other = KEY.replace("object", "copy")
    await copy(await stored(served.storage, KEY), served.storage, other, beat)
    async with served.client.get(served.get_url(other)) as answer:
        assert await answer.read() == CONTENT
        assert answer.headers["Content-Type"] == "video/mp2t"
    assert passed


async def test_deleted_bytes_are_gone_and_deleting_again_is_no_error(served: Served) -> None:
    await put(served, CONTENT)
    await served.storage.delete(KEY)
    await served.storage.delete(KEY)
    assert await served.storage.head(KEY) is None
    async with served.client.get(served.get_url(KEY)) as answer:
        assert answer.status == 404


async def test_many_are_deleted_at_once(served: Served) -> None:
    keys = [KEY.replace("object", f"object-{number}") for number in range(4)]
    keys[3] = keys[3].replace("flow", "other")
    for key in (KEY, *keys):
        await put(served, CONTENT, key)
    never = KEY.replace("object", "never")
    assert await served.storage.delete_many([*keys, never]) == {}
    assert [await served.storage.head(key) for key in (*keys, never)] == [None] * 5
    assert await served.storage.head(KEY) is not None
    assert await served.storage.delete_many([]) == {}


async def test_every_key_below_a_prefix_is_listed_with_its_size(served: Served) -> None:
    sizes = {f"tams/2026/{number % 7}/object-{number}.ts": number for number in range(25)}
    for key, size in sizes.items():
        await put(served, bytes(size), key)
    await put(served, b"not ours", "others/object.ts")
    pages = [page async for page in served.storage.list("tams/")]
    found = [stored for page in pages for stored in page]
    assert len(found) == len(sizes)
    assert {stored.key: stored.size for stored in found} == sizes
    assert all(stored.written in (None, stored.size) for stored in found)
    known = await served.storage.head(found[0].key)
    assert known is not None
    assert abs(known.modified - found[0].modified) < timedelta(seconds=1)
    assert [page async for page in served.storage.list("none/")] == []


async def test_it_answers_a_ping(served: Served) -> None:
    await served.storage.ping()


async def test_a_url_is_for_one_key(served: Served) -> None:
    other = KEY.replace("object", "objects")
    await put(served, CONTENT)
    await put(served, CONTENT, other)
    async with served.client.get(served.get_url(KEY).replace(KEY, other)) as answer:
        assert answer.status == 403


async def test_a_url_is_for_one_method(served: Served) -> None:
    request = served.storage.sign_put(served.base_url, KEY, "video/mp2t")
    await put(served, CONTENT)
    for method, url in (
        ("GET", request.url),
        ("HEAD", request.url),
        ("DELETE", request.url),
        ("PUT", served.get_url(KEY)),
        ("POST", served.get_url(KEY)),
        ("DELETE", served.get_url(KEY)),
    ):
        async with served.client.request(method, url, headers=request.headers) as answer:
            # A method that no blob has is not even looked at there.
            assert answer.status in ((400, 403) if method == "POST" else (403,)), (method, url)
    assert await served.storage.head(KEY) is not None


async def test_b083_a_url_is_signed_for_the_method_that_reads(served: Served) -> None:
    await put(served, CONTENT)
    sign = served.storage.sign_for
    async with served.client.get(sign(served.base_url, KEY, "GET", 60)) as answer:
        assert (answer.status, await answer.read()) == (200, CONTENT)
    head = sign(served.base_url, KEY, "HEAD", 60)
    async with served.client.head(head) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Length"] == str(len(CONTENT))
    if isinstance(served.storage, S3Storage):  # elsewhere one URL is good for both
        async with served.client.get(head) as answer:
            assert answer.status == 403
    headers = served.storage.sign_put(served.base_url, KEY, "video/mp2t").headers
    async with served.client.put(head, data=b"other", headers=headers) as answer:
        assert answer.status == 403


async def test_a_url_says_for_how_long_it_is_good(served: Served) -> None:
    short, long = (served.storage.sign_for("http://x", KEY, "GET", each) for each in (60, 86_400))
    assert short != long
    async with served.client.get(served.storage.sign_for(served.base_url, KEY, "GET", -60)) as gone:
        assert gone.status in (400, 403)


async def test_every_character_of_a_signature_counts(served: Served) -> None:
    await put(served, CONTENT)
    url = served.get_url(KEY)
    start = url.index("=", url.lower().index("sig=" if "sig=" in url else "signature=")) + 1
    for at in range(start, len(url), 7):
        forged = url[:at] + ("1" if url[at] == "0" else "0") + url[at + 1 :]
        async with served.client.get(forged) as answer:
            assert answer.status == 403
