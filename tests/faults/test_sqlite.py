"""A catalogue of SQLite whose disk is full, fails or is damaged, or which others hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from tams.catalogue.sql.sqlite import SQLiteCatalogue
from tams.domain.flows import Flow
from tams.errors import BadSettings, Busy, OutcomeUnknown
from tests.catalogue.building import add_flows, get_flow, make_flow

KINDS = (apsw.FullError, apsw.IOError, apsw.ReadOnlyError)


class TroubledVFS(apsw.VFS):
    """Files that raise `trouble`, if there is any, where they are read, written or synced."""

    def __init__(self) -> None:
        super().__init__("troubled", "")
        self.trouble: type[apsw.Error] | None = None
        self.when = ""

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return TroubledFile(self, name, flags)

    def meet(self, call: str) -> None:
        if self.trouble is not None and call == self.when:
            raise self.trouble("the disk")


class TroubledFile(apsw.VFSFile):
    def __init__(
        self, vfs: TroubledVFS, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> None:
        super().__init__("", name, flags)
        self._vfs = vfs

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        self._vfs.meet("read")
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._vfs.meet("write")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._vfs.meet("sync")
        super().xSync(flags)


@pytest.fixture
def vfs() -> TroubledVFS:
    return TroubledVFS()


@pytest.fixture
async def catalogue(tmp_path: Path, vfs: TroubledVFS) -> AsyncIterator[SQLiteCatalogue]:
    catalogue = SQLiteCatalogue(tmp_path / "catalogue.db", vfs="troubled")
    await catalogue.open()
    yield catalogue
    await catalogue.close()


async def known(catalogue: SQLiteCatalogue, flow: Flow) -> bool:
    return await get_flow(catalogue, flow.id) is not None


@pytest.mark.parametrize("when", ["write", "sync"])
@pytest.mark.parametrize("trouble", KINDS)
async def test_a_disk_that_fails_loses_nothing_acknowledged(
    catalogue: SQLiteCatalogue, vfs: TroubledVFS, trouble: type[apsw.Error], when: str
) -> None:
    before, *during, after = (make_flow() for _ in range(5))
    await add_flows(catalogue, before)
    vfs.trouble, vfs.when = trouble, when
    outcomes = await asyncio.gather(
        *(add_flows(catalogue, flow) for flow in during), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} <= {Busy, OutcomeUnknown}
    assert await known(catalogue, before)
    assert not any([await known(catalogue, flow) for flow in during])
    vfs.trouble = None
    await add_flows(catalogue, after)
    await catalogue.close()
    await catalogue.open()
    assert await known(catalogue, before)
    assert await known(catalogue, after)


@pytest.mark.parametrize("trouble", [apsw.IOError, apsw.NoMemError])
async def test_what_cannot_be_read_now_is_read_later(
    catalogue: SQLiteCatalogue, vfs: TroubledVFS, trouble: type[apsw.Error]
) -> None:
    """SQLite ends a transaction by itself that meets this."""
    flow = make_flow()
    await add_flows(catalogue, flow)
    await catalogue.close()
    await catalogue.open()  # so that nothing is remembered
    vfs.trouble, vfs.when = trouble, "read"
    with pytest.raises(Busy, match="cannot be used now"):
        await get_flow(catalogue, flow.id)
    vfs.trouble = None
    assert await known(catalogue, flow)


async def test_the_log_that_a_reader_kept_from_shrinking_shrinks(
    catalogue: SQLiteCatalogue, tmp_path: Path
) -> None:
    log, reader = tmp_path / "catalogue.db-wal", apsw.Connection(str(tmp_path / "catalogue.db"))
    await catalogue._writer.submit(
        lambda database: database.execute("CREATE TABLE heap (content)").fetchall()
    )

    async def write(mebibytes: int) -> None:
        await catalogue._writer.submit(
            lambda database: database.execute(
                "INSERT INTO heap VALUES (zeroblob(?))", (mebibytes << 20,)
            ).fetchall()
        )

    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM heap").fetchall()
    for _ in range(5):
        await write(10)
    assert log.stat().st_size > 50 << 20
    reader.execute("COMMIT")
    for _ in range(2):
        await write(0)
    assert log.stat().st_size <= 32 << 20
    reader.close()


def damage(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 3000)


@pytest.mark.parametrize("as_it_is", [False, True])
async def test_a_damaged_file_stops_the_start(tmp_path: Path, as_it_is: bool) -> None:
    path = tmp_path / "catalogue.db"
    whole = SQLiteCatalogue(path)
    await whole.open()
    await whole.close()
    damage(path, 100)
    with pytest.raises(BadSettings, match=f"{path} is damaged, .* restore a backup"):
        await SQLiteCatalogue(path, as_it_is=as_it_is).open()


async def test_a_file_damaged_while_it_is_used_is_no_fault_of_a_request(tmp_path: Path) -> None:
    path, flow = tmp_path / "catalogue.db", make_flow()
    catalogue = SQLiteCatalogue(path)
    await catalogue.open()
    await add_flows(catalogue, flow)
    await catalogue.close()
    await catalogue.open()
    page = catalogue._reader.pragma("page_size")
    for number in range(1, path.stat().st_size // page):
        damage(path, number * page)
    with pytest.raises(Busy, match="malformed"):
        await get_flow(catalogue, flow.id)
    with pytest.raises((Busy, OutcomeUnknown)):
        await add_flows(catalogue, make_flow())
    await catalogue.close()
