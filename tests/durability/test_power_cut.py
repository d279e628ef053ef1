"""What SQLite acknowledged survives a power cut: it was synced before `write` returned.

A power cut leaves only what was synced, and by luck some of what was not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Lock
from typing import Literal

import apsw
import pytest

from tams.catalogue.sql.sqlite import SQLiteCatalogue
from tams.errors import TamsError
from tests.catalogue.building import add_flows, make_flow, page_of, register
from tests.durability.volatile import VolatileVFS
from tests.proof import count

WRITERS = 4
SEGMENTS = 40
WORKS = count(12, proof=80)
"""Works of each writer."""
CUTS = count(20, proof=300)
SPARED = count(120, proof=60)
"""Between two cuts are fewer moments than this."""


@dataclass
class Cut:
    """A power cut: the files that it left, and the works that had been acknowledged."""

    folder: Path
    acknowledged: list[tuple[str, int]]


class Grid:
    """Cuts the power at chosen ones of the moments at which a file changes or a work returns."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._random = Random(seed)
        self._wait = 0
        self._turn = Lock()
        self.vfs = VolatileVFS("volatile", self.moment)
        self.acknowledged: list[tuple[str, int]] = []
        self.cuts: list[Cut] = []

    def moment(self) -> None:
        """Here the power may go."""
        with self._turn:
            self._wait -= 1
            if self._wait < 0:
                self._wait = self._random.randrange(SPARED)
                self.cut(self._random if self._random.random() < 0.5 else None)

    def cut(self, luck: Random | None) -> Cut:
        """Keep the acknowledgements first: what they promise is there already."""
        acknowledged = list(self.acknowledged)
        folder = self._folder / str(len(self.cuts))
        folder.mkdir()
        self.vfs.cut_power(folder, luck)
        self.cuts.append(Cut(folder, acknowledged))
        return self.cuts[-1]


def timerange(work: int, segment: int) -> str:
    start = work * SEGMENTS + segment
    return f"[{start}:0_{start + 1}:0)"


async def work_on(grid: Grid, catalogue: SQLiteCatalogue) -> list[str]:
    """Register Segments of several Flows at once; return the Flows."""
    flows = [make_flow() for _ in range(WRITERS)]
    await add_flows(catalogue, *flows)

    async def write(flow_id: str) -> None:
        for work in range(WORKS):
            await register(catalogue, flow_id, *(timerange(work, at) for at in range(SEGMENTS)))
            grid.acknowledged.append((flow_id, work))
            grid.moment()

    await asyncio.gather(*(write(flow.id) for flow in flows))
    return [flow.id for flow in flows]


async def losses(cut: Cut, flow_ids: Sequence[str]) -> list[str]:
    """Start again with what a power cut left; return the promises that are broken."""
    catalogue = SQLiteCatalogue(cut.folder / "catalogue.sqlite")
    try:
        await catalogue.open()
        return [
            loss
            for flow_id in flow_ids
            for loss in missing(cut, flow_id, await starts_of(catalogue, flow_id))
        ]
    except (apsw.Error, TamsError) as error:
        return [str(error)]
    finally:
        await catalogue.close()


def missing(cut: Cut, flow_id: str, starts: Sequence[int]) -> Iterator[str]:
    works = [work for acknowledged, work in cut.acknowledged if acknowledged == flow_id]
    if len(starts) < len(works) * SEGMENTS:
        yield f"{len(starts)} Segments are left of {len(works)} works"
    if list(starts) != list(range(len(starts))) or len(starts) % SEGMENTS:
        yield f"of a work a part is left: {len(starts)} Segments"


async def starts_of(catalogue: SQLiteCatalogue, flow_id: str) -> list[int]:
    page = await page_of(catalogue, flow_id, limit=SEGMENTS * WORKS)
    return [segment.start // 1_000_000_000 for segment in page.items]


async def outage(
    folder: Path, synchronous: Literal["FULL", "NORMAL", "OFF"]
) -> tuple[Sequence[Cut], Sequence[str]]:
    """Work, and cut the power now and then, at last when luck is out; return cuts and Flows."""
    (folder / "cuts").mkdir()
    grid = Grid(folder / "cuts", seed=7)
    path = folder / "catalogue.sqlite"
    catalogue = SQLiteCatalogue(path, synchronous=synchronous, vfs=grid.vfs.name)
    await catalogue.open()
    try:
        flow_ids = await work_on(grid, catalogue)
        grid.cut(None)
    finally:
        await catalogue.close()
    return grid.cuts, flow_ids


async def test_a_power_cut_loses_nothing_acknowledged(tmp_path: Path) -> None:
    cuts, flow_ids = await outage(tmp_path, "FULL")
    assert len(cuts) >= CUTS
    assert [loss for cut in cuts for loss in await losses(cut, flow_ids)] == []


@pytest.mark.parametrize("synchronous", ["NORMAL", "OFF"])
async def test_without_the_sync_of_each_commit_it_does(
    tmp_path: Path, synchronous: Literal["NORMAL", "OFF"]
) -> None:
    cuts, flow_ids = await outage(tmp_path, synchronous)
    # Some cuts come right after a checkpoint, which has synced all.
    assert [cut for cut in reversed(cuts) if await losses(cut, flow_ids)] != []
