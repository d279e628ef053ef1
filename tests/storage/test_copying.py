"""Copies that go wrong: each is told, and none is taken for whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from tams.errors import NotFound, StorageFailed
from tams.storage.copying import Source, copy, stored
from tams.storage.local import LocalStorage

CONTENT = b"media" * 1000
MD5_OF_OTHER = "ZMCp/d+JF/H+8WZ4tEzE2w=="


async def beat() -> None:
    pass


def source(content: bytes = CONTENT, size: int | None = None, **checksums: str) -> Source:
    async def chunks() -> AsyncGenerator[bytes, None]:
        for at in range(0, len(content), 700):
            yield content[at : at + 700]

    return Source(chunks(), "video/mp2t", size, checksums)


@pytest.mark.parametrize("size", [None, len(CONTENT)])
async def test_bytes_are_copied_whether_their_size_is_told_or_not(
    local: LocalStorage, size: int | None
) -> None:
    await copy(source(size=size), local, "copy.ts", beat)
    assert b"".join([part async for part in local.read("copy.ts")]) == CONTENT


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
async def test_another_size_than_is_told_leaves_nothing(local: LocalStorage, size: int) -> None:
    with pytest.raises(StorageFailed, match=f"gave 5000 bytes, and tells of {size}"):
        await copy(source(size=size), local, "copy.ts", beat)
    assert await local.head("copy.ts") is None


async def test_another_checksum_than_is_told_leaves_nothing(local: LocalStorage) -> None:
    with pytest.raises(StorageFailed, match="not what it tells: content-md5"):
        await copy(source(**{"content-md5": MD5_OF_OTHER}), local, "copy.ts", beat)
    assert await local.head("copy.ts") is None


async def test_bytes_that_come_back_changed_are_told(local: LocalStorage) -> None:
    class Forgetful(LocalStorage):
        async def read(
            self, key: str, start: int = 0, end: int | None = None
        ) -> AsyncGenerator[bytes, None]:
            async for chunk in super().read(key, start, end):
                yield chunk[:-1] + b"\0"

    forgetful = Forgetful(local.backend, local.root, local._urls)
    with pytest.raises(StorageFailed, match="of 5000 bytes, 5000 came back, and not the same"):
        await copy(source(), forgetful, "copy.ts", beat)
    await forgetful.close()


async def test_a_copy_ends_when_it_is_told_to(local: LocalStorage) -> None:
    async def stop() -> None:
        raise StorageFailed("somebody else does it")

    with pytest.raises(StorageFailed, match="somebody else"):
        await copy(source(), local, "copy.ts", stop)
    assert await local.head("copy.ts") is None


async def test_what_is_not_there_is_no_source(local: LocalStorage) -> None:
    with pytest.raises(NotFound):
        await stored(local, "none.ts")
