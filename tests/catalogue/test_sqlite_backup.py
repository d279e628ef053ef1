"""A backup is one moment of a file that changes at each step of the copy."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tams.catalogue.connect import backup, catalogue, migrate
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
