"""The request with which a whole file is sent."""

from __future__ import annotations

import pytest
from aiohttp import web

USUAL = {"host", "accept", "accept-encoding", "user-agent", "content-length"}


async def taken(_request: web.Request) -> web.Response:
    return web.Response()


@pytest.mark.parametrize(
    ("named", "sent"),
    [
        ({}, {}),
        ({"content-type": "video/mp4"}, {"content-type": "video/mp4"}),
        ({"headers": {"x-ms-blob-type": "BlockBlob"}}, {"x-ms-blob-type": "BlockBlob"}),
    ],
)
async def test_f011_a_plain_upload_has_no_headers_but_those_that_were_named(
    serve, tmp_path, named, sent
):
    served = await serve(taken)
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"clip")
    url = served.client._connection.url("bucket", "key", signature="x")
    room = {"object_id": "a", "put_url": {"url": url, **named}, "presigned": True}
    await served.client.upload(room, file, plain=True)
    [request] = served.requests
    assert served.bodies == [b"clip"]
    own = {name.lower(): text for name, text in request.headers.items()}
    assert {name: text for name, text in own.items() if name not in USUAL} == sent
    await served.client.upload(room, file)
    assert served.requests[1].headers["Content-MD5"]
