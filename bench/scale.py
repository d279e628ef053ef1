"""What a page costs in a Flow of ten million Segments, and what a process with it holds in memory.

All but the first Segments are written into the catalogue by SQL, as a registration writes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import asyncpg

from bench.figures import NO_BAR, Figure, Run
from bench.pages import lengths
from bench.process import store
from bench.progress import told
from bench.segments import BATCH, filled_flow

_SLICE = 500_000
_BASE = 100_000_000
"""Above the keys of all other Objects."""
_FLOW = "(SELECT pk FROM flow WHERE id = '{}')"
_OBJECTS = """INSERT INTO object (pk, id, storage_id, key, content_type, allocated_for,
    first_flow_pk, start_ns, end_ns, end_inclusive)
SELECT {base} + n, {id}, o.storage_id, replace(o.key, o.id, {id}), o.content_type, o.allocated_for,
    o.first_flow_pk, n * 1000000000, (n + 1) * 1000000000, 0
FROM {numbers}, object o
WHERE o.pk = (SELECT object_pk FROM segment WHERE flow_pk = {flow} AND start_ns = 0)"""
_SEGMENTS = """INSERT INTO segment (flow_pk, start_ns, end_ns, object_pk, registered, ts_offset,
    end_inclusive)
SELECT s.flow_pk, n * 1000000000, (n + 1) * 1000000000, {base} + n, s.registered, 0, 0
FROM {numbers}, segment s WHERE s.flow_pk = {flow} AND s.start_ns = 0"""
_SQLITE_NUMBERS = """(WITH RECURSIVE c(n) AS (SELECT {} UNION ALL SELECT n + 1 FROM c WHERE n < {})
    SELECT n FROM c)"""
_SQLITE_ID = "printf('%08x-0000-7000-8000-%012x', n, n)"
_POSTGRES_NUMBERS = "generate_series({}::bigint, {}) AS g(n)"
_POSTGRES_ID = "lpad(to_hex(n), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0')"


def rows(run: Run) -> Iterator[Figure]:
    """The rows of each catalogue."""
    for engine in run.engines:
        url = engine.fresh()
        with TemporaryDirectory() as folder, store(url, TAMS_DATA_DIR=folder) as server:
            short, long = filled_flow(server, run.short), filled_flow(server, BATCH)
            if url is None:
                _lengthen_sqlite(Path(folder) / "catalogue.sqlite", long, run.many)
            else:
                asyncio.run(_lengthen_postgres(url, long, run.many))
            yield from lengths(run, engine, server, {run.short: short, run.many: long})
            yield Figure(
                f"{engine.name}: resident after these pages",
                f"{server.memory('VmRSS'):.0f} MiB, {server.memory('VmHWM'):.0f} at its peak",
                NO_BAR,
                held=True,
            )


def _lengthen_sqlite(path: Path, flow_id: str, many: int) -> None:
    with closing(apsw.Connection(str(path))) as database:
        database.pragma("synchronous", "off")
        for statement in _statements(flow_id, many, _SQLITE_ID, _SQLITE_NUMBERS):
            database.execute(statement)
        database.pragma("wal_checkpoint(TRUNCATE)")


async def _lengthen_postgres(url: str, flow_id: str, many: int) -> None:
    database = await asyncpg.connect(url)
    for statement in _statements(flow_id, many, _POSTGRES_ID, _POSTGRES_NUMBERS):
        await database.execute(statement)
    await database.execute("VACUUM ANALYZE")
    await database.close()


def _statements(flow_id: str, many: int, number: str, numbers: str) -> Iterator[str]:
    starts = range(BATCH, many, _SLICE)
    for start in told(f"writing a Flow of {many:,} Segments", starts, len(starts)):
        given = {
            "base": _BASE,
            "id": number,
            "numbers": numbers.format(start, min(start + _SLICE, many) - 1),
            "flow": _FLOW.format(flow_id),
        }
        yield _OBJECTS.format(**given)
        yield _SEGMENTS.format(**given)
