"""Empty stores, as many as a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.garbage.store import Store
from tests.postgres import renew


@pytest.fixture
def on_sqlite(tmp_path):
    """Makes a store with an empty catalogue on SQLite, and empty folders."""
    return _maker(tmp_path, lambda folder: f"sqlite:///{folder}/catalogue.db")


@pytest.fixture
def on_postgresql(postgres_databases, postgres_schema, tmp_path):
    """The same on PostgreSQL; one at a time, since each empties the one database."""
    database, _ = postgres_databases

    def emptied(_: Path) -> str:
        asyncio.run(renew(database, postgres_schema))
        return database

    return _maker(tmp_path, emptied)


@pytest.fixture(params=["on_sqlite", "on_postgresql"])
def fresh(request):
    """The same on each engine."""
    return request.getfixturevalue(request.param)


def _maker(root: Path, url: Callable[[Path], str]) -> Callable[..., Store]:
    made = count()

    def make(**spoilt) -> Store:
        folder = root / str(next(made))
        folder.mkdir()
        return Store(url(folder), folder, **spoilt)

    return make
