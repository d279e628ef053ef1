"""The folder behind the local storage: what lies in it, and what never does."""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tams.errors import BadSettings, Invalid, StorageFailed
from tams.storage.local import CHUNK, LocalStorage
from tams.storage.signing import MediaUrls
from tams.storage.upload import remove_abandoned
from tams.storage.walk import PAGE
from tests.media_server import BACKEND, KEY


async def parts(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def cut_off(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    raise ConnectionError


async def write(local: LocalStorage, content: bytes, key: str = KEY) -> None:
    await local.write(key, "video/mp2t", {}, parts(content))


async def content_of(local: LocalStorage, key: str = KEY) -> bytes:
    return b"".join([chunk async for chunk in local.read(key)])


def files(local: LocalStorage) -> list[str]:
    """Every file but the lock, by its path below the root."""
    found = (path for path in local.root.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(local.root)) for path in found if path.name != ".lock")


async def test_the_file_holds_the_bytes_and_nothing_else(local: LocalStorage) -> None:
    await write(local, b"bytes as they were sent")
    assert (local.root / KEY).read_bytes() == b"bytes as they were sent"


async def test_a_reopened_folder_knows_all_facts(local: LocalStorage, urls: MediaUrls) -> None:
    stored = await local.write(KEY, "video/mp2t", {}, parts(b"by", b"tes"))
    again = LocalStorage(BACKEND, local.root, urls)
    await again.open()
    assert await again.head(KEY) == stored
    await again.close()


async def test_an_upload_that_breaks_leaves_nothing(local: LocalStorage) -> None:
    with pytest.raises(ConnectionError):
        await local.write(KEY, "video/mp2t", {}, cut_off(b"x" * (2 * CHUNK), b"more"))
    assert files(local) == []
    assert await local.head(KEY) is None


async def test_a_wrong_checksum_leaves_nothing(local: LocalStorage) -> None:
    with pytest.raises(Invalid, match="content-md5"):
        await local.write(KEY, "a/b", {"content-md5": "JfnnlDI7RTiF9RgfG2JNCw=="}, parts(b"other"))
    assert files(local) == []


async def test_facts_that_find_no_room_leave_nothing(local: LocalStorage) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(StorageFailed):
            await write(local, b"")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(local) == []
    assert await local.head(KEY) is None


async def test_a_cancelled_upload_leaves_nothing(local: LocalStorage) -> None:
    begun = asyncio.Event()

    async def never_ending() -> AsyncIterator[bytes]:
        yield b"x" * CHUNK
        begun.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(local.write(KEY, "a/b", {}, never_ending()))
    await begun.wait()
    assert len(files(local)) == 1
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert files(local) == []


async def test_a_broken_second_upload_keeps_the_first(local: LocalStorage) -> None:
    await write(local, b"first")
    before = files(local)
    with pytest.raises(ConnectionError):
        await local.write(KEY, "a/b", {}, cut_off(b"second"))
    assert files(local) == before
    assert await content_of(local) == b"first"


async def test_a_second_upload_takes_the_place_of_bytes_and_facts(local: LocalStorage) -> None:
    await write(local, b"first")
    second = await local.write(KEY, "video/mp4", {}, parts(b"second"))
    assert len(files(local)) == 2
    assert await local.head(KEY) == second
    assert await content_of(local) == b"second"


async def test_a_reader_keeps_what_it_opened(local: LocalStorage) -> None:
    await write(local, b"a" * (2 * CHUNK))
    reading = local.read(KEY)
    first = await anext(reading)
    await write(local, b"b")
    rest = [chunk async for chunk in reading]
    assert first + b"".join(rest) == b"a" * (2 * CHUNK)


async def test_uploads_of_one_key_at_once_leave_one_whole(local: LocalStorage) -> None:
    contents = [bytes([number]) * (CHUNK + number) for number in range(12)]
    stored = await asyncio.gather(
        *(
            local.write(KEY, f"video/x-{number}", {}, parts(content))
            for number, content in enumerate(contents)
        )
    )
    last = await local.head(KEY)
    assert last in stored
    assert await content_of(local) == contents[stored.index(last)]
    assert len(files(local)) == 2


async def test_readers_meet_bytes_with_their_own_facts_only(local: LocalStorage) -> None:
    await write(local, b"0")
    done = asyncio.Event()

    async def replace() -> None:
        for number in range(1, 60):
            await local.write(KEY, f"video/x-{number}", {}, parts(b"x" * number))
        done.set()

    async def look() -> int:
        looks = 0
        while not done.is_set():
            stored = await local.head(KEY)
            assert stored is not None
            assert stored.content_type in {f"video/x-{stored.size}", "video/mp2t"}
            looks += 1
        return looks

    looks, *_ = await asyncio.gather(look(), look(), replace())
    assert looks > 20


async def test_bytes_put_there_by_other_means_are_served(local: LocalStorage) -> None:
    (local.root / "tams").mkdir()
    (local.root / "tams" / "copied.ts").write_bytes(b"copied")
    stored = await local.head("tams/copied.ts")
    assert stored is not None
    assert (stored.size, stored.content_type) == (6, "application/octet-stream")
    assert await content_of(local, "tams/copied.ts") == b"copied"


@pytest.mark.parametrize(
    "key",
    [
        *("", "/", "..", "../x", "a/../../x", "/etc/passwd", "a//b", "a/"),
        *(".lock", ".uploads/x", "a/.hidden", "a\nb", "a\0b", "ä", "a b", "a\\b"),
    ],
)
async def test_no_key_leads_elsewhere(local: LocalStorage, key: str) -> None:
    with pytest.raises(Invalid, match="key"):
        await local.head(key)
    with pytest.raises(Invalid, match="key"):
        await write(local, b"x", key)
    with pytest.raises(Invalid, match="key"):
        await local.delete(key)
    assert files(local) == []


async def test_a_folder_is_no_object(local: LocalStorage) -> None:
    await write(local, b"x")
    assert await local.head("tams") is None
    assert await local.head(f"{KEY}/below") is None
    with pytest.raises(StorageFailed, match="storage backend local"):
        await write(local, b"x", f"{KEY}/below")
    assert await content_of(local) == b"x"


async def test_deleting_removes_the_facts_too(local: LocalStorage) -> None:
    await write(local, b"x")
    await local.delete(KEY)
    await local.delete("tams/never/was.ts")
    assert files(local) == []


async def test_what_cannot_be_deleted_is_told_and_keeps_no_other(local: LocalStorage) -> None:
    before, stuck, after = "tams/a.ts", "tams/b.ts", "tams/c.ts"
    for key in (before, after):
        await write(local, b"x", key)
    (local.root / stuck / "in the way").mkdir(parents=True)
    failed = await local.delete_many([before, stuck, after])
    assert list(failed) == [stuck]
    assert "storage backend local" in str(failed[stuck])
    assert files(local) == []
    with pytest.raises(StorageFailed, match="storage backend local"):
        await local.delete(stuck)


async def test_folders_removed_by_others_are_made_again(local: LocalStorage) -> None:
    await write(local, b"x")
    await local.delete(KEY)
    for folder in (local.root / KEY).parents[:4]:
        folder.rmdir()
    await write(local, b"y")
    assert await content_of(local) == b"y"


async def test_opening_removes_what_a_dead_process_left_and_nothing_alive(
    local: LocalStorage, urls: MediaUrls
) -> None:
    (local.root / ".uploads" / "left-behind").write_bytes(b"half")
    alive = local.root / ".uploads" / "alive"
    with alive.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        again = LocalStorage(BACKEND, local.root, urls)
        await again.open()
        await again.close()
        assert files(local) == [".uploads/alive"]


async def test_an_upload_taken_for_abandoned_is_begun_anew(local: LocalStorage) -> None:
    uploads = local.root / ".uploads"
    done = threading.Event()

    def clean() -> None:
        while not done.is_set():
            remove_abandoned(uploads)

    cleaner = threading.Thread(target=clean)
    cleaner.start()
    try:
        for number in range(300):
            await write(local, b"x", f"tams/{number}.ts")
    finally:
        done.set()
        cleaner.join()
    assert len(files(local)) == 2 * 300


async def test_a_root_that_is_no_folder_stops_the_start(tmp_path: Path, urls: MediaUrls) -> None:
    (tmp_path / "media").write_text("a file")
    storage = LocalStorage(BACKEND, tmp_path / "media", urls)
    with pytest.raises(BadSettings, match=r"storage backend local: .*media"):
        await storage.open()
    await storage.close()


async def test_ping_fails_when_the_folder_is_gone(local: LocalStorage) -> None:
    local.root.rename(local.root.with_name("moved"))
    with pytest.raises(StorageFailed, match="storage backend local"):
        await local.ping()


async def test_a_file_cut_short_by_others_is_no_quiet_end(local: LocalStorage) -> None:
    await write(local, b"x" * (2 * CHUNK))
    reading = local.read(KEY)
    await anext(reading)
    os.truncate(local.root / KEY, CHUNK)
    with pytest.raises(StorageFailed, match="cut short"):
        await anext(reading)


async def test_a_listing_tells_what_was_cut_short_and_what_it_cannot_know(
    local: LocalStorage,
) -> None:
    await write(local, b"whole")
    cut = KEY.replace("object", "cut")
    await write(local, b"cut short", cut)
    status = (local.root / cut).stat()
    os.truncate(local.root / cut, 3)
    os.utime(local.root / cut, ns=(status.st_atime_ns, status.st_mtime_ns))
    plain = KEY.replace("object", "plain")
    (local.root / plain).write_bytes(b"without facts")
    (local.root / plain).with_name("no key.ts").write_bytes(b"")
    for name in ("no key", "@eaDir", ".hidden"):
        (local.root / "tams" / name).mkdir()
        (local.root / "tams" / name / "x.ts").write_bytes(b"")
    (local.root / "tams" / "link").symlink_to(local.root)
    listed = [each async for page in local.list("tams/") for each in page]
    assert {each.key: (each.size, each.written) for each in listed} == {
        KEY: (5, 5),
        cut: (3, 9),
        plain: (13, None),
    }
    stored = await local.head(cut)
    assert stored is not None
    assert (stored.size, stored.written) == (3, 9)


async def test_a_listing_holds_a_page_at_a_time(local: LocalStorage) -> None:
    folder = local.root / "tams/many"
    folder.mkdir(parents=True)
    for number in range(3 * PAGE):
        (folder / f"{number}.ts").touch()
    pages = local.list("tams/")
    assert len(await anext(pages)) == PAGE
    shutil.rmtree(folder)
    assert [len(page) async for page in pages] == []
