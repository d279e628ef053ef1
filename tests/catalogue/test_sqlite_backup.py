"""A backup is one moment of a file that changes at each step of the copy."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from tams.catalogue.connect import backup, catalogue, migrate, restore
from tams.catalogue.sql import sqlite, sqlite_backup
from tams.errors import BadSettings
from tests.catalogue.building import new_id


def sources(path: Path) -> int:
    with closing(apsw.Connection(str(path))) as database:
        return database.execute("SELECT count(*) FROM source").get


def add_source(path: Path) -> None:
    with closing(apsw.Connection(str(path))) as database:
        database.execute(
            "INSERT INTO source (id, format, created, updated, ordinal) VALUES (?, 'x', 1, 1, 1)",
            (new_id(),),
        )


def test_changes_during_a_backup_neither_come_in_nor_begin_it_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, target = tmp_path / "catalogue.db", tmp_path / "backup.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    add_source(path)
    monkeypatch.setattr(sqlite_backup, "_PAGES", 1)
    steps: list[int] = []

    def tell(_: str, done: int) -> None:
        steps.append(done)
        add_source(path)

    backup(f"sqlite:///{path}", target, force=False, tell=tell)
    assert sources(target) == 1
    assert sources(path) == 1 + len(steps)
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) > 20
    assert sorted(each.name for each in tmp_path.iterdir()) == ["backup.db", "catalogue.db"]


async def test_a_file_that_was_set_aside_while_it_was_opened_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "catalogue.db"
    await migrate(f"sqlite:///{path}")
    shutil.copy(path, tmp_path / "other.db")
    connect = sqlite.connect

    def late(*given, **known):
        opened = connect(*given, **known)
        (tmp_path / "other.db").replace(path)
        return opened

    monkeypatch.setattr(sqlite, "connect", late)
    with pytest.raises(BadSettings, match="was replaced just now; start again"):
        await catalogue(f"sqlite:///{path}").open()


class Moments:
    """A copy of a folder as a killed process would leave it, before each change of its entries."""

    def __init__(self, folder: Path, copies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._copies = copies
        self.steps: list[tuple[str, str]] = []
        self.left: list[Path] = []
        for name in ("link", "unlink", "replace", "fsync"):
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))

    def _watched(self, name: str, call):
        def watched(*given, **known):
            self.take()
            at = f"/proc/self/fd/{given[0]}" if name == "fsync" else given[-1]
            self.steps.append((name, Path(at).resolve().name))
            return call(*given, **known)

        return watched

    def take(self) -> None:
        copy = self._copies / str(len(self.left))
        shutil.copytree(self._folder, copy)
        self.left.append(copy)


def make_named(path: Path, name: str) -> None:
    """A catalogue as a killed process leaves it: its name is in its log alone."""
    asyncio.run(migrate(f"sqlite:///{path}"))
    with closing(apsw.Connection(str(path))) as database:
        database.execute("UPDATE service SET name = ?", (name,))
        for ending in ("", "-wal"):
            shutil.copy(f"{path}{ending}", path.with_name(f"left{ending}"))
    for ending in ("", "-wal"):
        path.with_name(f"left{ending}").rename(f"{path}{ending}")


def name_in(path: Path) -> str | None:
    with closing(apsw.Connection(str(path))) as database:
        return database.execute("SELECT name FROM service").get


@pytest.fixture
def moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Moments:
    """Those of a restore of the past over a present catalogue."""
    folder = tmp_path / "store"
    folder.mkdir()
    make_named(tmp_path / "past.db", "past")
    backup(f"sqlite:///{tmp_path}/past.db", tmp_path / "backup.db", force=False, tell=ignore)
    make_named(folder / "catalogue.db", "present")
    return Moments(folder, tmp_path, monkeypatch)


def ignore(_: str, __: int) -> None:
    pass


def restored(moments: Moments, tmp_path: Path) -> Path:
    url, now = f"sqlite:///{tmp_path}/store/catalogue.db", datetime(2026, 11, 20, tzinfo=UTC)
    aside = restore(url, tmp_path / "backup.db", now, tell=ignore)
    assert aside is not None
    moments.take()
    return aside


def test_a_restore_that_is_killed_leaves_the_old_or_the_new(
    moments: Moments, tmp_path: Path
) -> None:
    aside = restored(moments, tmp_path)
    assert name_in(aside) == "present"
    names = [name_in(each / "catalogue.db") for each in moments.left]
    assert names == sorted(names, reverse=True)
    assert set(names) == {"past", "present"}


@pytest.mark.parametrize("content", [b"no catalogue at all", b"", bytes(100_000)])
def test_a_restore_over_what_cannot_be_read_mixes_nothing(
    moments: Moments, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "store" / "catalogue.db"
    log = path.with_name("catalogue.db-wal").read_bytes()
    path.write_bytes(content)
    restored(moments, tmp_path)
    for each in moments.left:
        assert log in [one.read_bytes() for one in each.glob("catalogue.db*-wal")]
        if (each / "catalogue.db").read_bytes() != content:
            assert not (each / "catalogue.db-wal").exists()
            assert name_in(each / "catalogue.db") == "past"


@pytest.mark.parametrize("readable", [True, False])
def test_a_restore_survives_a_power_cut(moments: Moments, tmp_path: Path, readable: bool) -> None:
    """What is to be there, or gone, at the exchange has reached the disk before."""
    if not readable:
        (tmp_path / "store" / "catalogue.db").write_text("no catalogue at all")
    restored(moments, tmp_path)
    steps = [(name, at if at in {"store", "catalogue.db"} else "") for name, at in moments.steps]
    synced, exchanged = steps.index(("fsync", "")), steps.index(("replace", "catalogue.db"))
    changes = [step for step in steps[:exchanged] if step[0] in {"link", "unlink"}]
    assert synced < min(map(steps.index, changes))
    assert steps[exchanged - 1] == steps[exchanged + 1] == ("fsync", "store")
    assert readable or ("fsync", "store") in steps[synced : steps.index(("unlink", ""))]
