"""How many commits share a sync, where a sync takes its time: SQLite under many writers."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from bench.figures import Figure, Run
from tams.catalogue.sql.sqlite import SQLiteCatalogue
from tests.catalogue import building as untyped

building: Any = untyped

WRITERS = 64
SYNC_S = 0.005


class SlowVFS(apsw.VFS):
    """Counts the syncs of its files, and makes each last SYNC_S."""

    def __init__(self) -> None:
        super().__init__("slow", "")
        self.syncs = 0

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 (apsw's)
        return SlowFile(self, name, flags)


class SlowFile(apsw.VFSFile):
    """A file whose syncs are slow."""

    def __init__(self, vfs: SlowVFS, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._vfs = vfs

    def xSync(self, flags: int) -> None:  # noqa: N802 (apsw's)
        self._vfs.syncs += 1
        time.sleep(SYNC_S)
        super().xSync(flags)


class Shared(NamedTuple):
    """Registrations per sync, of many writers, and how many times as fast as one they are."""

    commits: float
    speed: float


def rows(run: Run) -> Iterator[Figure]:
    """The row of SQLite, below HTTP."""
    found = shared_syncs(max(1, run.requests // WRITERS))
    yield Figure(
        f"SQLite: registrations by {WRITERS} writers, {SYNC_S * 1000:.0f} ms a sync",
        f"{found.commits:.1f} to a sync, {found.speed:.1f} times as fast as one writer",
        "8 to a sync, 6 times",
        found.commits >= 8 and found.speed >= 6,
    )


def shared_syncs(posts: int) -> Shared:
    """Register single Segments, that many to each of WRITERS Flows, and as many by one writer."""
    return asyncio.run(_measure(posts))


async def _measure(posts: int) -> Shared:
    vfs = SlowVFS()
    with tempfile.TemporaryDirectory() as folder:
        catalogue = SQLiteCatalogue(Path(folder) / "catalogue.sqlite", vfs="slow")
        await catalogue.open()
        flows = [building.make_flow() for _ in range(WRITERS)]
        await building.add_flows(catalogue, *flows)
        for flow in flows:
            await building.allocate(
                catalogue, flow.id, *(f"{flow.id}-{n}" for n in range(2 * posts))
            )

        async def write(flow_id: str, start: int) -> None:
            for n in range(start, start + posts):
                new = building.segment_at(f"{flow_id}-{n}", f"[{n}:0_{n + 1}:0)")
                await building.post(catalogue, flow_id, new)

        began = time.perf_counter()
        await write(flows[0].id, 0)
        alone = posts / (time.perf_counter() - began)
        began, before = time.perf_counter(), vfs.syncs
        await asyncio.gather(*(write(flow.id, posts) for flow in flows))
        together = WRITERS * posts / (time.perf_counter() - began)
        commits = WRITERS * posts / (vfs.syncs - before)
        await catalogue.close()
    vfs.unregister()
    return Shared(commits, together / alone)
