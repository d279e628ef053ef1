"""Copies from URLs of others: what is taken, what is refused, and what no error tells."""

from __future__ import annotations

import base64
import hashlib

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from tams.domain.objects import Instance
from tams.services.queue import back_off
from tests.services.conftest import HOT
from tests.services.copying import COLD, CONTENT, MAX_SIZE, close, open_copying

MD5 = base64.b64encode(hashlib.md5(CONTENT).digest()).decode()


@pytest.fixture
async def copying(house, tmp_path):
    opened = await open_copying(house, tmp_path)
    yield opened
    await close(opened)


async def link(copying, url):
    """A Segment of an Object that lies at this URL alone."""
    flow_id = await copying.house.flow()
    there = (Instance(url=str(url), label="elsewhere"),)
    assert await copying.house.post(flow_id, "a", "[0:0_1:0)", get_urls=there) is None


async def copied(copying, handler):
    """Ask for a copy of what a server of others gives; True if it came about."""
    async with RawTestServer(handler) as server:
        await link(copying, server.make_url("/clip.ts?secret=s3cr3t"))
        await copying.add()
        assert await copying.work_off() == 1
    return len(await copying.listed()) == 2


async def test_a_copy_comes_from_elsewhere_where_nothing_else_is(copying):
    asked = []

    async def give(request):
        asked.append(request)
        return web.Response(body=CONTENT, content_type="video/mp2t", headers={"Content-MD5": MD5})

    assert await copied(copying, give)
    copy, elsewhere = await copying.listed()
    assert (copy.storage_id, elsewhere.label) == (COLD.id, "elsewhere")
    assert await copying.content_of(copy) == CONTENT
    assert (await copying.cold.head(copy.key)).content_type == "video/mp2t"
    (request,) = asked
    assert request.method == "GET"
    assert request.headers["Accept-Encoding"] == "identity"
    assert "Authorization" not in request.headers


async def test_bytes_whose_size_is_not_told_are_taken(copying):
    async def give(request):
        answer = web.StreamResponse()
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        await answer.write(CONTENT)
        await answer.write_eof()
        return answer

    assert await copied(copying, give)


async def refuse(request):
    return web.Response(status=403, body=b"<Error>expired</Error>")


async def lead_elsewhere(request):
    return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})


async def give_a_part(request):
    return web.Response(status=206, body=CONTENT[:100])


async def encode(request):
    answer = web.Response(body=CONTENT)
    answer.enable_compression(web.ContentCoding.gzip)
    return answer


async def give_too_much(request):
    return web.Response(body=bytes(MAX_SIZE + 1))


async def give_too_much_untold(request):
    answer = web.StreamResponse()
    answer.enable_chunked_encoding()
    await answer.prepare(request)
    await answer.write(bytes(MAX_SIZE + 1))
    return answer


async def break_off(request):
    answer = web.StreamResponse(headers={"Content-Length": str(len(CONTENT))})
    await answer.prepare(request)
    await answer.write(CONTENT[:1000])
    request.transport.close()
    return answer


async def give_other_bytes(request):
    return web.Response(body=CONTENT[::-1], headers={"Content-MD5": MD5})


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (refuse, "the answer was 403"),
        (lead_elsewhere, "the answer was 302"),
        (give_a_part, "the answer was 206"),
        (encode, "the answer was encoded"),
        (give_too_much, "more than the 3000000 bytes"),
        (give_too_much_untold, "more than the 3000000 bytes"),
        (break_off, "ClientPayloadError"),
        (give_other_bytes, "content-md5"),
    ],
)
async def test_what_is_not_the_bytes_themselves_is_no_copy(copying, handler, reason, capsys):
    assert not await copied(copying, handler)
    assert await copying.held_by(copying.cold) == []
    told = capsys.readouterr().out
    assert reason in told
    assert "s3cr3t" not in told


@pytest.mark.parametrize("allowed", ["", "10.0.0.0/8,example.org"])
async def test_private_addresses_are_not_asked(house, tmp_path, allowed, capsys):
    asked = []

    async def give(request):
        asked.append(request)
        return web.Response(body=CONTENT)

    copying = await open_copying(house, tmp_path, allowed)
    assert not await copied(copying, give)
    assert asked == []
    assert "s3cr3t" not in capsys.readouterr().out
    await close(copying)


async def test_what_lies_here_comes_before_what_lies_elsewhere(copying):
    asked = []

    async def give(request):
        asked.append(request)
        return web.Response(body=CONTENT)

    async with RawTestServer(give) as server:
        await link(copying, server.make_url("/clip.ts"))
        await copying.add(storage_id=HOT.id)
        await copying.work_off()
        await copying.add()
        await copying.work_off()
        assert len(asked) == 1
        hot, cold, _ = await copying.listed()
        assert [hot.storage_id, cold.storage_id] == [HOT.id, COLD.id]
        await copying.remove(storage_id=COLD.id)
        await copying.hot.delete(hot.key)
        await copying.add()
        await copying.work_off()
    assert len(asked) == 2
    assert await copying.content_of((await copying.listed())[1]) == CONTENT


async def test_where_nobody_answers_is_asked_again_later(copying):
    async with RawTestServer(refuse) as server:
        url = server.make_url("/clip.ts")
    await link(copying, url)
    await copying.add()
    assert await copying.work_off() == 1
    copying.house.clock.now += back_off(1)
    assert await copying.work_off() == 1
    assert len(await copying.listed()) == 1
