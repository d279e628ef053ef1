"""A folder of media whose disk is full, away, slow, or missing a file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tams.app.running import running
from tams.conformance.server import Answer
from tams.errors import BadSettings, StorageFailed
from tams.settings import read_settings
from tams.storage.files import ObjectFiles
from tams.storage.local import LocalStorage
from tams.storage.signing import MediaUrls
from tests.faults.injection import ROOM, full_disk, no_more_files, no_more_threads
from tests.media_server import BACKEND, SECRET, StoppedClock
from tests.serving import CheckedServer, serving

CONTENT = b"media" * 1000
LARGE = bytes(2 * ROOM)


class Store(NamedTuple):
    """A server with a Flow of one Segment whose bytes are there."""

    server: CheckedServer
    flow_id: str
    object_id: str
    url: str

    @property
    def folder(self) -> Path:
        return self.server.folder / "hot"

    @property
    def storage(self) -> LocalStorage:
        assert self.server.app is not None
        local: Mapping[str, LocalStorage] = self.server.app.state.services.media._storages
        return next(one for one in local.values() if one.root == self.folder)

    async def reads(self) -> None:
        """Fail unless facts and bytes can be read."""
        server = self.server
        assert len(await server.read(f"/flows/{self.flow_id}/segments")) == 1
        assert (await server.get(self.url)).is_status(200).body == CONTENT

    async def writes(self) -> None:
        """Fail unless facts and bytes can be written."""
        await self.server.set(f"/flows/{self.flow_id}/label", "written")
        [allocated] = await self.server.allocate(self.flow_id)
        (await self.server.upload(allocated, LARGE)).is_status(200)


@asynccontextmanager
async def stored(folder: Path) -> AsyncIterator[Store]:
    async with serving(folder, f"sqlite:///{folder}/catalogue.sqlite") as server:
        flow_id = (await server.flow())["id"]
        [allocated] = await server.allocate(flow_id)
        object_id = allocated["object_id"]
        await server.segment(flow_id, "[0:0_1:0)", object_id=object_id)
        (await server.upload(allocated, CONTENT)).is_status(200)
        [segment] = await server.read(f"/flows/{flow_id}/segments")
        yield Store(server, flow_id, object_id, segment["get_urls"][0]["url"])


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with stored(tmp_path) as found:
        yield found


def refused(answer: Answer, kind: str) -> str:
    """What a 503 says, which must be of that type and ask to come again."""
    body = answer.is_status(503).json
    assert answer.headers["Retry-After"] == "1"
    assert body["type"] == kind
    said: str = body["summary"]
    return said


async def test_a_full_disk_takes_no_bytes_and_gives_those_it_has(store: Store) -> None:
    [allocated] = await store.server.allocate(store.flow_id)
    with full_disk():
        said = refused(await store.server.upload(allocated, LARGE), "StorageFailed")
        await store.reads()
    assert str(store.folder) not in said
    assert [*(store.folder / ".uploads").iterdir()] == []
    (await store.server.upload(allocated, LARGE)).is_status(200)


async def test_a_full_disk_takes_no_facts_and_gives_those_it_has(store: Store) -> None:
    with full_disk():
        changed = await store.server.put(f"/flows/{store.flow_id}/label", "lost")
        assert refused(changed, "OutcomeUnknown") == "the commit failed; repeat the request"
        await store.reads()
    assert "label" not in await store.server.read(f"/flows/{store.flow_id}")
    await store.writes()


async def test_a_folder_that_is_away_is_not_an_empty_one(store: Store) -> None:
    server, away = store.server, store.folder.with_name("away")
    [allocated] = await server.allocate(store.flow_id)
    store.folder.rename(away)
    store.folder.mkdir()  # where it was mounted
    assert refused(await server.get(store.url), "StorageFailed").endswith("its folder is away")
    refused(await server.upload(allocated, CONTENT), "StorageFailed")
    (await server.get("/health")).is_status(503)
    (await server.delete(f"/flows/{store.flow_id}")).is_status(204)
    await server.wait(86400)
    assert [*store.folder.rglob("*")] == []
    assert b"media" in b"".join(path.read_bytes() for path in away.rglob("*.ts"))

    store.folder.rmdir()
    away.rename(store.folder)
    (await server.get("/health")).is_status(200)
    await server.wait(86400)
    assert [*store.folder.rglob("*.ts")] == []


async def test_a_folder_that_is_away_stops_the_start(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        folder = store.folder
    settings = read_settings(
        {},
        port=1,
        catalogue=store.server.catalogue,
        storage=f"{tmp_path}/backends.toml",
        data_dir=tmp_path,
    )
    away = folder.rename(folder.with_name("away"))
    for is_mount_point in (False, True):
        if is_mount_point:
            folder.mkdir()
        with pytest.raises(BadSettings, match=f"{folder} is empty, .* mount it; or, .*uploads"):
            await running(settings).__aenter__()
        assert [*folder.rglob("*")] == []
    folder.rmdir()
    away.rename(folder)
    async with serving(tmp_path, f"sqlite:///{tmp_path}/catalogue.sqlite") as server:
        assert len(await server.read(f"/flows/{store.flow_id}/segments")) == 1
        (await server.get("/health")).is_status(200)


async def test_a_file_that_vanished_is_404_and_its_segment_stays(store: Store) -> None:
    [path] = store.folder.rglob("*.ts")
    path.unlink()
    answer = (await store.server.get(store.url)).is_status(404)
    assert answer.json["type"] == "NotFound"
    assert len(await store.server.read(f"/flows/{store.flow_id}/segments")) == 1
    await store.writes()


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncIterator[LocalStorage]:
    """A storage that waits a moment at most."""
    urls = MediaUrls(SECRET, StoppedClock(), timeout=3600, window=900)
    storage = LocalStorage(BACKEND, tmp_path / "media", urls)
    await storage.open()
    storage._patience = 0.02
    yield storage
    await storage.close()


async def whole() -> AsyncIterator[bytes]:
    yield CONTENT


async def test_a_file_system_that_hangs_keeps_nobody_waiting(hasty: LocalStorage) -> None:
    """A named pipe without its other end is what hangs."""
    await hasty.write("a", "video/mp2t", {}, whole())
    pipe, lock = hasty.root / "pipe", hasty.root / ".lock"
    os.mkfifo(pipe)
    with pytest.raises(StorageFailed, match="no answer in time"):
        await hasty.head("pipe")
    lock.unlink()
    os.mkfifo(lock)
    with pytest.raises(StorageFailed, match="no answer in time"):
        await hasty.write("b", "video/mp2t", {}, whole())
    assert (await hasty.head("a")) is not None

    ends = [os.open(pipe, os.O_RDWR), os.open(lock, os.O_RDWR)]
    await asyncio.to_thread(hasty._threads.shutdown)
    for end in ends:
        os.close(end)
    assert [*(hasty.root / ".uploads").iterdir()] == []


async def test_a_folder_that_hangs_says_of_each_key_that_it_stays(hasty: LocalStorage) -> None:
    """So that those in other folders and buckets can be settled."""
    lock = hasty.root / ".lock"
    lock.unlink(missing_ok=True)
    os.mkfifo(lock)
    try:
        failed = await hasty.delete_many(["a", "b"])
        assert [*failed] == ["a", "b"]
        assert all("no answer in time" in str(failure) for failure in failed.values())
        with pytest.raises(StorageFailed, match="no answer in time"):
            await hasty.delete("a")
    finally:
        end = os.open(lock, os.O_RDWR)
        await asyncio.to_thread(hasty._threads.shutdown)
        os.close(end)


async def test_probes_that_hang_take_one_thread_alone(hasty: LocalStorage) -> None:
    goes_on, begun = asyncio.Event(), []
    loop = asyncio.get_running_loop()

    class Hanging(ObjectFiles):
        def probe(self) -> None:
            begun.append(self)
            asyncio.run_coroutine_threadsafe(goes_on.wait(), loop).result(10)

    hasty._files = Hanging(hasty.root)
    pings = await asyncio.gather(*(hasty.ping() for _ in range(5)), return_exceptions=True)
    with pytest.raises(StorageFailed, match="no answer in time"):
        await hasty.ping()
    assert {type(ping) for ping in pings} == {StorageFailed}
    assert len(begun) == 1
    goes_on.set()
    await hasty.ping()


async def test_without_file_descriptors_the_catalogue_goes_on(store: Store) -> None:
    with no_more_files():
        said = refused(await store.server.get(store.url), "StorageFailed")
        await store.server.set(f"/flows/{store.flow_id}/label", "written")
        assert len(await store.server.read(f"/flows/{store.flow_id}/segments")) == 1
    assert said.endswith("Too many open files")
    await store.reads()
    await store.writes()


async def test_without_threads_the_catalogue_goes_on(store: Store) -> None:
    """The more threads hang, the more are asked for; none comes."""
    [allocated] = await store.server.allocate(store.flow_id)
    pipe = store.folder / "pipe"
    os.mkfifo(pipe)
    storage = store.storage
    busy = [asyncio.create_task(storage.head("pipe")) for _ in storage._threads._threads]
    await asyncio.sleep(0)
    with no_more_threads():
        said = refused(await store.server.upload(allocated, CONTENT), "StorageFailed")
        await store.server.set(f"/flows/{store.flow_id}/label", "written")
    assert said.endswith("can't start new thread")
    end = os.open(pipe, os.O_RDWR)
    await asyncio.gather(*busy)
    os.close(end)
    await store.reads()
    await store.writes()
