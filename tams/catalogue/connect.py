"""The one place that knows which catalogue a URL means; drivers are loaded on first need."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from tams.catalogue.base import Catalogue
from tams.domain.clock import Clock, utc_now
from tams.domain.progress import Tell
from tams.errors import BadSettings

_MEMORY = "sqlite:///:memory:"
_KNOWN = "sqlite:///path, sqlite:///:memory: or postgresql://…"


def catalogue(
    url: str,
    *,
    synchronous: Literal["FULL", "NORMAL", "OFF"] = "FULL",
    replica: str = "",
    connections: int = 10,
    connect_timeout: float = 10.0,
    pooled: bool = False,
    queue_limit: int = 1000,
    time_limit: float = 30.0,
    clock: Clock = utc_now,
    as_it_is: bool = False,
) -> Catalogue:
    """Return the catalogue at a URL, not opened yet; raises `BadSettings` if there is none.

    `as_it_is` opens none but one of this program's version, and neither makes nor migrates one.
    `synchronous` is SQLite's; PostgreSQL's are the URL of a `replica` that may lag, `connections`,
    `connect_timeout` in seconds and `pooled`, as `PostgresCatalogue` has them. `queue_limit` counts
    the works that may wait, `time_limit` is in seconds for each.
    """
    if _engine(url) == "sqlite":
        if replica:
            raise BadSettings("TAMS_READ_REPLICA: a catalogue of SQLite has none")
        from tams.catalogue.sql.sqlite import SQLiteCatalogue

        return SQLiteCatalogue(
            _path(url),
            synchronous=synchronous,
            queue_limit=queue_limit,
            time_limit=time_limit,
            clock=clock,
            as_it_is=as_it_is,
        )
    _require_asyncpg()
    from tams.catalogue.sql.postgres import PostgresCatalogue

    postgres = partial(
        PostgresCatalogue,
        connections=connections,
        connect_timeout=connect_timeout,
        pooled=pooled,
        queue_limit=queue_limit,
        time_limit=time_limit,
        clock=clock,
    )
    return _replicated(postgres, url, replica) if replica else postgres(url)


def _replicated(postgres: Callable[[str], Catalogue], url: str, replica: str) -> Catalogue:
    if not replica.startswith(("postgresql:", "postgres:")):
        raise BadSettings("TAMS_READ_REPLICA: it must be postgresql://…")
    from tams.catalogue.sql.replicated import ReplicatedCatalogue

    return ReplicatedCatalogue(postgres(url), postgres(replica))


async def migrate(url: str, partitions: int | None = None) -> None:
    """Create the schema of a catalogue that is not open, or bring it up to date.

    `partitions` of the Segments are made with a schema of PostgreSQL; raises `BadSettings` for a
    catalogue that has another number of them.
    """
    if _engine(url) == "sqlite":
        if partitions is not None:
            raise BadSettings("TAMS_CATALOGUE: only Segments in PostgreSQL can be partitioned")
        from tams.catalogue.sql import sqlite

        sqlite.migrate(_path(url))
        return
    _require_asyncpg()
    from tams.catalogue.sql import postgres_migration

    await postgres_migration.migrate(url, partitions)


def backup(url: str, target: Path, *, force: bool, tell: Tell) -> None:
    """Copy a catalogue of SQLite to a file while it is in use; see `sqlite_backup`."""
    path = _file(url)
    from tams.catalogue.sql import sqlite_backup

    sqlite_backup.backup(path, target, force=force, tell=tell)


def restore(url: str, source: Path, now: datetime, *, tell: Tell) -> Path | None:
    """Put a backup in the place of a catalogue of SQLite that nobody uses; see `sqlite_backup`."""
    path = _file(url)
    from tams.catalogue.sql import sqlite_backup

    return sqlite_backup.restore(path, source, now, tell=tell)


def _file(url: str) -> Path:
    path = _path(url) if _engine(url) == "sqlite" else None
    if not isinstance(path, Path):
        raise BadSettings(
            "TAMS_CATALOGUE: this is for SQLite; PostgreSQL brings tools of its own, see "
            "docs/operations.md"
        )
    return path


def _engine(url: str) -> Literal["sqlite", "postgresql"]:
    match urlsplit(url).scheme:
        case "sqlite":
            return "sqlite"
        case "postgresql" | "postgres":
            return "postgresql"
        case "vast":
            raise BadSettings(
                "TAMS_CATALOGUE: a catalogue in VAST Database is not there yet; it must be "
                + _KNOWN
            )
        case _:
            # Not the URL itself: it may hold a password.
            raise BadSettings(f"TAMS_CATALOGUE: it must be {_KNOWN}")


def _path(url: str) -> Path | Literal[":memory:"]:
    if url == _MEMORY:
        return ":memory:"
    parts = urlsplit(url)
    if parts.netloc or len(parts.path) < 2:
        raise BadSettings(f"TAMS_CATALOGUE: it must be {_KNOWN}, not {url}")
    return Path(unquote(parts.path[1:]))


def _require_asyncpg() -> None:
    try:
        import asyncpg  # noqa: F401 - to say what is missing, before anything is built
    except ImportError as error:
        raise BadSettings(
            "TAMS_CATALOGUE: PostgreSQL needs its driver: pip install 'tams-server[postgres]'"
        ) from error
