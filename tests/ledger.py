"""Everything that a running server keeps, read behind its back: to show that nothing changed."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import apsw

from tams.catalogue.sql import segment_tag_schema  # noqa: F401 (its table is of the metadata)
from tams.catalogue.sql.schema import metadata

Ledger = dict[str, list[str]]
"""The rows of each table, and the media files by name and size."""


async def ledger(catalogue: str, folder: Path) -> Ledger:
    """The rows of every table of the catalogue at this URL, and the files below `folder`."""
    rows = _sqlite(catalogue) if catalogue.startswith("sqlite") else await _postgres(catalogue)
    media = [
        f"{path.relative_to(folder)} {path.stat().st_size}"
        for backend in ("hot", "cold")
        for path in (folder / backend).rglob("*")
        if path.is_file()
    ]
    return rows | {"media": sorted(media)}


def _sqlite(url: str) -> Ledger:
    connection = apsw.Connection(urlsplit(url).path[1:], flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return {
            name: sorted(map(repr, connection.execute(f"SELECT * FROM {name}")))
            for name in metadata.tables
        }
    finally:
        connection.close()


async def _postgres(url: str) -> Ledger:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        return {
            name: sorted(map(repr, await connection.fetch(f"SELECT * FROM {name}")))
            for name in metadata.tables
        }
    finally:
        await connection.close()
