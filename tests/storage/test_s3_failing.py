"""What S3 storage says of services that fail."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable

import pytest
from aiohttp import web

from tams.errors import BadSettings, StorageFailed
from tams.storage.remote import PART
from tams.storage.s3 import S3Storage
from tests.ceph import Gateway
from tests.media_server import KEY
from tests.storage.conftest import SOON, chunks, s3_storage, service


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
