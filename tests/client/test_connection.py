"""What is sent again, what is not, and what a failure says."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from tams.client import TAMSClient
from tams.client.retry import Retry
from tams.errors import Invalid, RequestFailed

SEGMENT = {"object_id": "o", "timerange": "[0:0_1:0)"}


def failing(times: int, status: int = 503, **headers: str):
    """A handler that refuses `times` requests and then answers with an empty object."""
    left = [times]

    async def handler(_request: web.Request) -> web.Response:
        if left[0]:
            left[0] -= 1
            return web.json_response({"detail": "busy"}, status=status, headers=headers)
        return web.json_response({})

    return handler


def hanging_up(times: int, then: web.Response):
    """A handler that reads `times` requests and drops the connection without an answer."""
    left = [times]

    async def handler(request: web.Request) -> web.Response:
        if left[0]:
            left[0] -= 1
            request.transport.close()
            await asyncio.Future()
        return then

    return handler


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_get_is_repeated_with_growing_pauses(serve, status):
    served = await serve(failing(3, status))
    assert await served.client.service() == {}
    assert len(served.requests) == 4
    assert served.pauses == [0.25, 0.5, 1.0]


async def test_jitter_shortens_the_pause_to_half_at_most(serve):
    served = await serve(failing(1))
    retry = Retry(sleep=served.sleep, jitter=lambda: 0.0)
    async with TAMSClient(str(served.client._connection.url()), retry=retry) as client:
        await client.service()
    assert served.pauses == [0.125]


async def test_retry_after_in_seconds_is_waited_for(serve):
    served = await serve(failing(1, **{"Retry-After": "7"}))
    await served.client.service()
    assert served.pauses == [7.25]


@pytest.mark.parametrize("zone", ["GMT", "+0000", "-0000"])
async def test_retry_after_as_a_date_is_waited_for(serve, zone):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    date = date.replace("GMT", zone)
    served = await serve(failing(1, **{"Retry-After": date}))
    await served.client.service()
    assert 55 < served.pauses[0] <= 61


async def test_a_server_that_asks_for_an_hour_is_not_waited_for(serve):
    served = await serve(failing(1, **{"Retry-After": "3600"}))
    with pytest.raises(RequestFailed, match="busy"):
        await served.client.service()
    assert served.pauses == []


async def test_it_gives_up_with_the_servers_own_words(serve):
    served = await serve(failing(99))
    with pytest.raises(RequestFailed, match=r"^busy$") as failure:
        await served.client.service()
    assert failure.value.status == 503
    assert len(served.requests) == 5


@pytest.mark.parametrize("status", [400, 403, 404, 500])
async def test_other_errors_are_not_repeated(serve, status):
    served = await serve(failing(1, status))
    with pytest.raises(RequestFailed) as failure:
        await served.client.service()
    assert (failure.value.status, len(served.requests)) == (status, 1)


async def test_a_segment_post_is_repeated_because_an_identical_one_changes_nothing(serve):
    served = await serve(hanging_up(1, web.json_response(None, status=201)))
    assert await served.client.add_segments("f", [SEGMENT]) == []
    assert len(served.requests) == 2
    assert served.bodies[0] == served.bodies[1]


async def test_an_allocation_that_may_have_arrived_is_not_repeated(serve):
    served = await serve(hanging_up(1, web.json_response({"media_objects": []}, status=201)))
    with pytest.raises(RequestFailed, match="no answer") as failure:
        await served.client.allocate("f", limit=1)
    assert (failure.value.status, len(served.requests)) == (0, 1)


async def test_an_allocation_is_repeated_while_nobody_listens():
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    # Port 9 of the loopback has no listener: the request never leaves.
    async with TAMSClient("http://127.0.0.1:9", retry=Retry(3, sleep=sleep)) as client:
        with pytest.raises(RequestFailed, match="no answer"):
            await client.allocate("f", limit=1)
    assert len(pauses) == 2


async def test_a_deletion_whose_answer_was_lost_is_done(serve):
    # aiohttp itself sends an idempotent request a second time.
    served = await serve(hanging_up(2, web.json_response({"detail": "no Flow"}, status=404)))
    assert await served.client.delete_flow("f") is None


async def test_a_deletion_of_what_was_never_there_fails(serve):
    served = await serve(failing(1, 404))
    with pytest.raises(RequestFailed):
        await served.client.delete_flow("f")


async def test_an_answer_that_is_not_json_names_the_request(serve):
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(text="<html>")

    served = await serve(handler)
    with pytest.raises(RequestFailed, match="GET /service: the answer is not JSON"):
        await served.client.service()


async def test_an_error_without_json_names_the_request(serve):
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=418, reason="Teapot")

    served = await serve(handler)
    with pytest.raises(RequestFailed, match="GET /service: 418 Teapot"):
        await served.client.service()


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://host", "http://", "http://h:x"])
async def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(Invalid, match=r"^url: "):
        TAMSClient(url)


class Bytes:
    """Media URLs of the server: what was stored, and by which credentials it was asked for."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = content
        self.credentials: list[str | None] = []
        self.refuse_next = 0

    async def __call__(self, request: web.Request) -> web.Response:
        self.credentials.append(request.headers.get("Authorization"))
        if request.path == "/media/broken":
            return web.json_response({"detail": "expired"}, status=403)
        if self.refuse_next:
            self.refuse_next -= 1
            return web.Response(status=503)
        if request.method == "PUT":
            self.content = await request.read()
        return web.Response(body=self.content)


def url_of(served, name: str) -> str:
    return served.client._connection.url("media", name)


async def test_an_upload_carries_type_length_and_md5_and_counts_its_bytes(serve, tmp_path):
    file = tmp_path / "object.ts"
    file.write_bytes(bytes(range(256)) * 3000)
    store = Bytes()
    served = await serve(store)
    put = {"url": url_of(served, "a"), "content-type": "video/mp2t", "headers": {"x-extra": "1"}}
    moved: list[int] = []
    await served.client.upload(
        {"object_id": "a", "put_url": put, "presigned": True}, file, moved.append
    )
    sent = served.requests[0].headers
    assert store.content == file.read_bytes()
    assert (sent["Content-Type"], sent["x-extra"]) == ("video/mp2t", "1")
    assert sent["Content-Length"] == str(file.stat().st_size)
    md5 = hashlib.md5(file.read_bytes()).digest()
    assert base64.b64decode(sent["Content-MD5"]) == md5
    assert moved[0] == 0
    assert moved[-1] == file.stat().st_size


async def test_an_upload_that_failed_begins_again(serve, tmp_path):
    file = tmp_path / "object"
    file.write_bytes(b"x" * 10)
    store = Bytes()
    store.refuse_next = 1
    served = await serve(store)
    moved: list[int] = []
    await served.client.upload(
        {"object_id": "a", "put_url": {"url": url_of(served, "a")}}, file, moved.append
    )
    assert moved == [0, 10, 0, 10]
    assert store.content == b"x" * 10


async def test_an_upload_whose_connection_was_lost_is_sent_whole(serve, tmp_path):
    file = tmp_path / "object"
    file.write_bytes(b"x" * 10)
    served = await serve(hanging_up(3, web.Response()))
    put_url = {"url": url_of(served, "a")}
    await served.client.upload({"object_id": "a", "put_url": put_url}, file)
    assert served.bodies == [b"x" * 10] * 4


async def test_an_empty_object_can_be_uploaded(serve, tmp_path):
    file = tmp_path / "empty"
    file.touch()
    served = await serve(Bytes())
    await served.client.upload({"object_id": "a", "put_url": {"url": url_of(served, "a")}}, file)
    assert served.requests[0].headers["Content-Length"] == "0"


@pytest.mark.parametrize(("presigned", "credentials"), [(True, None), (False, "Bearer secret")])
async def test_credentials_go_to_unsigned_urls_only(serve, tmp_path, presigned, credentials):
    store = Bytes(b"media")
    served = await serve(store)
    get_urls = [{"url": url_of(served, "a"), "presigned": presigned}]
    await served.client.download(get_urls, tmp_path / "out")
    put_url = {"url": url_of(served, "a")}
    await served.client.upload(
        {"object_id": "a", "put_url": put_url, "presigned": presigned}, tmp_path / "out"
    )
    assert store.credentials == [credentials, credentials]


async def test_credentials_stay_with_their_origin(serve, tmp_path):
    own, other = await serve(Bytes()), await serve(Bytes(b"media"))
    await own.client.download([{"url": url_of(other, "a")}], tmp_path / "out")
    assert "Authorization" not in other.requests[0].headers


async def test_a_download_tries_each_url_and_keeps_only_whole_files(serve, tmp_path):
    served = await serve(Bytes(b"media"))
    broken = {"url": url_of(served, "broken")}
    with pytest.raises(RequestFailed, match="expired"):
        await served.client.download([broken], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
    await served.client.download([broken, {"url": url_of(served, "a")}], tmp_path / "out")
    assert [file.name for file in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out").read_bytes() == b"media"


async def test_a_download_cut_short_is_repeated(serve, tmp_path):
    left = [1]

    async def handler(request: web.Request) -> web.StreamResponse:
        if not left[0]:
            return web.Response(body=b"0123456789")
        left[0] -= 1
        answer = web.StreamResponse(headers={"Content-Length": "10"})
        await answer.prepare(request)
        await answer.write(b"01234")
        request.transport.close()
        return answer

    served = await serve(handler)
    await served.client.download([{"url": url_of(served, "a")}], tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"0123456789"


async def test_an_object_without_urls_cannot_be_downloaded(serve, tmp_path):
    served = await serve(Bytes())
    with pytest.raises(RequestFailed, match="no URL"):
        await served.client.download([], tmp_path / "out")


async def test_signed_urls_are_sent_as_they_were_given(serve, tmp_path):
    served = await serve(Bytes(b"media"))
    url = url_of(served, "a") + "?X-Sig=a%2Cb%2Fc%7E"
    await served.client.download([{"url": url}], tmp_path / "out")
    assert served.requests[0].raw_path == "/media/a?X-Sig=a%2Cb%2Fc%7E"


async def test_user_and_password_in_the_address_become_basic_credentials(serve):
    served = await serve(failing(0))
    address = str(served.client._connection.url()).replace("http://", "http://ann:pw@")
    async with TAMSClient(address) as client:
        await client.service()
    expected = "Basic " + base64.b64encode(b"ann:pw").decode()
    assert served.requests[0].headers["Authorization"] == expected


async def test_a_body_is_json_with_its_type(serve):
    served = await serve(failing(0))
    await served.client.put_flow_property("f", "label", "é")
    assert served.requests[0].headers["Content-Type"] == "application/json"
    assert json.loads(served.bodies[0]) == "é"
