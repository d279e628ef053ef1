"""The API over media in S3: what clients see, and what goes on while S3 does not answer."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from tams.client import TAMSVideoUploader
from tams.conformance.media import fetch, listed, new_media, object_path, own_url, store
from tams.settings import read_settings
from tests.ceph import ACCESS_KEY, SECRET_KEY, Gateway
from tests.serving import CheckedServer, free_port, serving, serving_apart

KINDS = """
[[backend]]
url = "{s3}"
label = "bucket"
default = true

[[backend]]
url = "file://{folder}/cold"
label = "folder"
"""


@pytest.fixture
async def server(s3_url: str, tmp_path: Path, sqlite_url: str) -> AsyncIterator[CheckedServer]:
    """A server with a bucket and a folder."""
    file = tmp_path / "kinds.toml"
    file.write_text(KINDS.format(s3=s3_url, folder=tmp_path))
    async with serving(tmp_path, sqlite_url, storage=str(file)) as served:
        yield served


async def test_objects_move_between_a_bucket_and_a_folder(server: CheckedServer) -> None:
    content = new_media()
    flow_id = (await server.flow())["id"]
    object_id = await store(server, flow_id, "[0:0_1:0)", content)
    backends = {one["label"]: one for one in await server.read("/service/storage-backends")}
    assert backends["bucket"]["store_product"] == "s3"
    first = await own_url(server, object_id)
    path = f"{object_path(object_id)}/instances"
    folder = {"storage_id": backends["folder"]["id"]}
    (await server.post(path, folder)).is_status(201)
    await server.later()
    (await server.delete(f"{path}?storage_id={backends['bucket']['id']}")).is_status(204)
    copied = await own_url(server, object_id)
    assert copied.startswith(server.base)
    assert (await fetch(server, copied)).body == content
    assert (await fetch(server, first)).status == 200
    await server.wait(3600 + 900 + 61)
    assert (await fetch(server, first)).status == 404
    (await server.post(path, {"storage_id": backends["bucket"]["id"]})).is_status(201)
    await server.later()
    urls = [entry["url"] for entry in (await listed(server, flow_id))[0]["get_urls"]]
    assert len(urls) == 2
    assert [(await fetch(server, url)).body for url in urls] == [content] * 2


def test_f011_h012_h019_a_bucket_by_the_documents_names_takes_an_upload(
    gateway: Gateway, s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    settings = read_settings(
        {
            "S3_ENDPOINT_URL": gateway.endpoint,
            "S3_ACCESS_KEY_ID": ACCESS_KEY,
            "S3_SECRET_ACCESS_KEY": SECRET_KEY,
            "S3_BUCKET_NAME": s3_bucket,
            "S3_USE_SSL": "false",
            "TAMS_STORAGE_PATH": "/studio/tams",
        }
    )
    keys = {
        "s3_access_key_id": settings.s3_access_key_id,
        "s3_secret_access_key": settings.s3_secret_access_key.get_secret_value(),
    }
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"no media, but all its bytes")
    catalogue = f"sqlite:///{tmp_path}/catalogue.sqlite"
    with serving_apart(tmp_path, catalogue, storage=settings.storage, **keys) as base:
        assert TAMSVideoUploader(base).upload_video(file, "Gate 4", "Morning", duration="1")
        with urlopen(f"{base}/flows") as answer:
            [flow] = json.load(answer)
        with urlopen(f"{base}/flows/{flow['id']}/segments") as answer:
            [segment] = json.load(answer)
        [entry] = segment["get_urls"]
        with urlopen(entry["url"]) as answer:
            assert answer.read() == file.read_bytes()
    key = (
        rf"/{s3_bucket}/studio/tams/\d{{4}}/\d\d/\d\d/{flow['id']}/{segment['object_id']}\.\w+\.mp4"
    )
    assert re.fullmatch(key, urlsplit(entry["url"]).path)


@pytest.fixture
def unused_port() -> int:
    with free_port() as listener:
        port: int = listener.getsockname()[1]
    return port


@asynccontextmanager
async def passage(port: int, to: int) -> AsyncIterator[None]:
    """Let what comes to one port of this machine through to another, until the context ends."""
    passing: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", to)
        for way in (pump(reader, back), pump(there, writer)):
            task = asyncio.create_task(way)
            passing.add(task)
            task.add_done_callback(passing.discard)

    entrance = await asyncio.start_server(join, "127.0.0.1", port)
    yield
    entrance.close()
    for task in passing:
        task.cancel()
    await asyncio.gather(*passing, return_exceptions=True)
    await asyncio.sleep(0)  # The closed connections are told of in the next turn.


async def test_while_s3_is_down_what_needs_no_bytes_goes_on(
    s3_url: str, tmp_path: Path, sqlite_url: str, unused_port: int
) -> None:
    gateway = urlsplit(s3_url.partition("endpoint=")[2])
    assert gateway.port is not None
    there = s3_url.replace(str(gateway.port), str(unused_port))
    async with AsyncExitStack() as stack:
        up = await stack.enter_async_context(AsyncExitStack())
        await up.enter_async_context(passage(unused_port, gateway.port))
        server = await stack.enter_async_context(
            serving(tmp_path, sqlite_url, storage=there, verify_uploads="true")
        )
        flow_id = (await server.flow())["id"]
        segments = f"/flows/{flow_id}/segments"
        await store(server, flow_id, "[0:0_1:0)")
        allocated = (await server.allocate(flow_id))[0]
        post = {"object_id": allocated["object_id"], "timerange": "[1:0_2:0)"}
        refused = (await server.post(segments, post)).is_status(400)
        assert "PUT them before" in refused.json["summary"]
        (await server.upload(allocated, new_media())).is_status(200)
        await up.aclose()

        failed = (await server.post(segments, post)).is_status(503)
        assert "storage backend s3: it gave no answer" in failed.json["summary"]
        assert str(unused_port) not in failed.body.decode()
        (await server.get("/health")).is_status(503)
        (one,) = await listed(server, flow_id)
        assert "X-Amz-Signature=" in one["get_urls"][0]["url"]
        await server.allocate(flow_id)
        (await server.delete(f"{segments}?timerange=[0:0_1:0)")).is_status(204)

        await up.enter_async_context(passage(unused_port, gateway.port))
        (await server.post(segments, post)).is_status(201)
        (await server.get("/health")).is_status(200)
        (one,) = await listed(server, flow_id)
        assert (await fetch(server, one["get_urls"][0]["url"])).status == 200
