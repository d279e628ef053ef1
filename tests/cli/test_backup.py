"""`tams admin backup` while a server writes, and `tams admin restore` when none does."""

from __future__ import annotations

import asyncio
import subprocess
from contextlib import closing, suppress
from pathlib import Path

import apsw
import pytest

from tams.catalogue.connect import migrate
from tests.catalogue.building import page_of
from tests.checkup.store import CheckedStore
from tests.cli.test_upkeep import BACKEND
from tests.durability.process import TAMS, environment
from tests.garbage.store import BACKENDS

BEFORE, DURING = 20, 40


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Those of a store in this folder; gives its catalogue."""
    tables = (BACKEND.format(folder=tmp_path / name, id=key) for key, name in BACKENDS.items())
    (tmp_path / "storage.toml").write_text("\n".join(tables))
    monkeypatch.setenv("TAMS_CATALOGUE", f"sqlite:///{tmp_path}/catalogue.db")
    monkeypatch.setenv("TAMS_STORAGE", str(tmp_path / "storage.toml"))
    monkeypatch.setenv("TAMS_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "catalogue.db"


async def run(*arguments: str, **settings: str) -> int:
    """Run a command in a process of its own."""
    nowhere = subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *TAMS, *arguments, env=environment(**settings), stdout=nowhere, stderr=nowhere
    )
    return await process.wait()


async def under_load(store: CheckedStore, backup: Path) -> list[str]:
    """Take a backup while Segments are registered; gives those acknowledged before it began."""
    flow_id = await store.flow()
    ids = [f"object-{number}" for number in range(BEFORE + DURING)]
    for start in range(0, len(ids), 10):
        await store.allocate(flow_id, *ids[start : start + 10])
    for object_id in ids:
        await store.upload(object_id)
    for slot in range(BEFORE):
        await store.register(flow_id, ids[slot], slot)
    known = ids[:BEFORE]
    taking = asyncio.create_task(run("admin", "backup", str(backup), catalogue=store.url))
    slot = BEFORE
    while not taking.done() or slot < len(ids):
        if slot < len(ids):
            await store.register(flow_id, ids[slot], slot)
            slot += 1
        await asyncio.sleep(0)
        await store.flow()
    assert taking.result() == 0
    page = await page_of(store.catalogue, flow_id)
    assert len(page.items) == len(ids)
    return [flow_id, *known]


def test_what_was_acknowledged_before_a_backup_is_there_after_its_restore(
    settings: Path, tmp_path: Path, shell
) -> None:
    backup = tmp_path / "backup.db"

    async def fill() -> list[str]:
        store = CheckedStore(f"sqlite:///{settings}", tmp_path)
        store.clock.now = store.real_now()
        await store.open()
        try:
            return await under_load(store, backup)
        finally:
            await store.close()

    flow_id, *known = asyncio.run(fill())
    assert backup.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.glob("*backup*")] == ["backup.db"]
    restored = shell("admin", "restore", str(backup))
    assert (restored.exit_code, restored.stderr) == (0, "")
    aside = Path(restored.stdout.rstrip().rpartition(" ")[2])
    assert aside.parent == tmp_path
    assert aside.name.startswith("catalogue.db.2")
    assert BEFORE <= segments_in(backup) <= segments_in(aside) == BEFORE + DURING

    async def look() -> list[str]:
        store = CheckedStore(f"sqlite:///{settings}", tmp_path)
        await store.open()
        page = await page_of(store.catalogue, flow_id)
        await store.close()
        return [segment.object_id for segment in page.items]

    there = asyncio.run(look())
    assert there[: len(known)] == known
    assert shell("admin", "check") == (0, "nothing is wrong\n", "")


def segments_in(path: Path) -> int:
    with closing(apsw.Connection(str(path))) as database:
        return database.execute("SELECT count(*) FROM segment").fetchone()[0]


async def named(path: Path, name: str) -> None:
    """Make a catalogue that says its name."""
    await migrate(f"sqlite:///{path}")
    with closing(apsw.Connection(str(path))) as database:
        database.execute("UPDATE service SET name = ?", (name,))


def name_of(path: Path) -> str:
    with closing(apsw.Connection(str(path))) as database:
        return database.execute("SELECT name FROM service").fetchone()[0]


def test_a_backup_replaces_nothing_unless_it_is_forced(settings: Path, shell) -> None:
    asyncio.run(named(settings, "first"))
    target = settings.with_name("backup.db")
    assert shell("admin", "backup", str(target)) == (0, f"{target} has the catalogue\n", "")
    asyncio.run(named(settings, "second"))
    refused = shell("admin", "backup", str(target))
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    assert name_of(target) == "first"
    assert shell("admin", "backup", str(target), "--force").exit_code == 0
    assert name_of(target) == "second"
    assert shell("admin", "backup", str(settings), "--force").exit_code == 1
    assert name_of(settings) == "second"


def test_a_catalogue_in_use_is_not_replaced(settings: Path, tmp_path: Path, shell) -> None:
    asyncio.run(named(settings, "present"))
    asyncio.run(named(tmp_path / "backup.db", "past"))

    async def use() -> int:
        store = CheckedStore(f"sqlite:///{settings}", tmp_path)
        await store.open()
        try:
            return await run("admin", "restore", str(tmp_path / "backup.db"), catalogue=store.url)
        finally:
            await store.close()

    assert asyncio.run(use()) == 1
    assert name_of(settings) == "present"
    assert shell("admin", "restore", str(tmp_path / "backup.db")).exit_code == 0
    assert name_of(settings) == "past"


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    path.write_bytes(content)


def newer(path: Path) -> None:
    with closing(apsw.Connection(str(path))) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (damage, "it must be a whole catalogue|it must be whole"),
        (newer, "its schema has version 9999"),
        (lambda path: path.write_text("no catalogue at all"), "it must be a whole catalogue"),
        (lambda path: path.with_name("backup.db-wal").write_bytes(b"log"), "has written"),
        (Path.unlink, "has written"),
    ],
)
def test_what_is_no_whole_backup_is_refused(settings: Path, shell, spoil, says) -> None:
    asyncio.run(named(settings, "present"))
    backup = settings.with_name("backup.db")
    assert shell("admin", "backup", str(backup)).exit_code == 0
    spoil(backup)
    refused = shell("admin", "restore", str(backup))
    assert refused.exit_code == 1
    assert any(each in refused.stderr for each in says.split("|"))
    assert name_of(settings) == "present"
    assert not list(settings.parent.glob(".catalogue*"))


def test_a_catalogue_that_cannot_be_read_is_kept_aside_too(settings: Path, shell) -> None:
    asyncio.run(named(settings, "past"))
    backup = settings.with_name("backup.db")
    assert shell("admin", "backup", str(backup)).exit_code == 0
    settings.write_text("no catalogue at all")
    settings.with_name("catalogue.db-wal").write_bytes(b"its log")
    assert shell("admin", "restore", str(backup)).exit_code == 0
    assert name_of(settings) == "past"
    kept = sorted(path.read_bytes() for path in settings.parent.glob("catalogue.db.2*"))
    assert kept == [b"its log", b"no catalogue at all"]


def test_a_restore_needs_no_catalogue(settings: Path, shell) -> None:
    asyncio.run(named(settings, "past"))
    backup = settings.with_name("backup.db")
    assert shell("admin", "backup", str(backup)).exit_code == 0
    with suppress(FileNotFoundError):
        settings.unlink()
    restored = shell("admin", "restore", str(backup))
    assert restored == (0, "the catalogue is that of the backup\n", "")
    assert name_of(settings) == "past"


def test_a_folder_of_the_catalogue_that_cannot_be_made_is_named(
    settings: Path, monkeypatch: pytest.MonkeyPatch, shell
) -> None:
    asyncio.run(named(settings, "past"))
    backup = settings.with_name("backup.db")
    assert shell("admin", "backup", str(backup)).exit_code == 0
    monkeypatch.setenv("TAMS_CATALOGUE", f"sqlite:///{settings}/below/catalogue.db")
    refused = shell("admin", "restore", str(backup))
    assert refused.exit_code == 1
    assert f"{settings}/below: " in refused.stderr
    assert str(backup) not in refused.stderr


@pytest.mark.parametrize("words", [["backup"], ["restore"]])
def test_postgresql_has_tools_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell, words
) -> None:
    monkeypatch.setenv("TAMS_CATALOGUE", "postgresql://me:secret@127.0.0.1:1/x")
    refused = shell("admin", *words, str(tmp_path / "file"))
    assert refused.exit_code == 1
    assert "docs/operations.md" in refused.stderr
    assert "secret" not in refused.stderr
