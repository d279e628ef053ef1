"""A deletion that goes on behind its answer, in a server that is killed in the middle of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tams.app.running import running
from tams.catalogue import connect
from tams.domain.clock import utc_now
from tams.domain.timerange import SECOND, TimeRange
from tams.services.queue import LEASE
from tams.settings import read_settings
from tests.durability.client import Client
from tests.durability.flow import allocate, list_segments, make_flow
from tests.durability.process import ServerProcess, server_process
from tests.proof import count

SEGMENTS = count(3_000, proof=100_000)
KILLS = count(2, proof=6)
BATCH = 1000
PATIENCE = count(60, proof=600)
"""Seconds after which a deletion that is not done has failed."""


def fill(client: Client, flow_id: str) -> None:
    """Register Segments of a second, all of one Object."""
    (allocated,) = allocate(client, flow_id, 1)
    for start in range(0, SEGMENTS, BATCH):
        posts = [
            {
                "object_id": allocated["object_id"],
                "timerange": str(TimeRange(at * SECOND, (at + 1) * SECOND)),
                "ts_offset": f"{at}:0",
            }
            for at in range(start, start + BATCH)
        ]
        assert client.ask("POST", f"/flows/{flow_id}/segments", posts).status == 201


def watch(client: Client, request: str) -> Iterator[int]:
    """How many Segments are gone, as often as one asks; a deletion that stands still is a fault."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = client.ask("GET", request).json
        if found["status"] == "done":
            return
        yield TimeRange.parse(found["timerange_remaining"]).start // SECOND
    raise TimeoutError(f"not done within {PATIENCE} s: {found}")


def kill_amid(server: ServerProcess, request: str, wanted: int) -> int:
    """Kill the server once so many Segments are gone; gives how many were."""
    with Client(server.url) as client:
        gone = next((gone for gone in watch(client, request) if gone >= wanted), SEGMENTS)
    server.kill()
    return gone


def gone_so_far(client: Client, request: str) -> int:
    return next(watch(client, request), SEGMENTS)


async def go_on(folder: Path, catalogue: str, request_id: str) -> None:
    """Do what is due when the lease of the worker that was killed has ended."""

    def later() -> datetime:
        return utc_now() + LEASE

    settings = read_settings({}, data_dir=folder / "data", catalogue=catalogue)
    async with running(settings, later) as app:
        deletions = app.state.services.deletions
        while (await deletions.get(request_id)).is_open:
            await app.state.worker.work_off()


async def told(catalogue: str, flow_id: str) -> list[TimeRange]:
    """The timeranges of the Segments whose deletion was told, in that order."""
    opened = connect.catalogue(catalogue)
    await opened.open()
    events = await opened.read(lambda tx: tx.events.of(flow_id))
    await opened.close()
    return [
        event.timerange
        for event in events
        if event.type == "flows/segments_deleted" and event.timerange is not None
    ]


def ask_until_done(server: ServerProcess, request: str) -> dict[str, Any]:
    with Client(server.url) as client:
        assert next(watch(client, request), None) is None
        found: dict[str, Any] = client.ask("GET", request).json
        return found


@pytest.mark.parametrize("whole", [False, True])
def test_a_killed_server_goes_on_with_a_deletion(
    tmp_path: Path, catalogue_url: str, whole: bool
) -> None:
    random = Random(11)
    server = ServerProcess(tmp_path, catalogue_url, worker_interval="0.01")
    with Client(server.url) as client:
        flow_id = make_flow(client)
        fill(client, flow_id)
        answer = client.ask("DELETE", f"/flows/{flow_id}" + ("" if whole else "/segments"))
    assert answer.status == 202
    request = f"/flow-delete-requests/{answer.json['id']}"
    gone = kill_amid(server, request, random.randrange(1, SEGMENTS // 4))
    assert 0 < gone < SEGMENTS
    for _ in range(KILLS - 1):
        server = ServerProcess(tmp_path, catalogue_url, worker_interval="0.01")
        with Client(server.url) as client:
            # Once the lease of the killed one has ended, the deletion goes on while this looks.
            before = gone_so_far(client, request)
            left = [segment.start // SECOND for segment in list_segments(client, flow_id)]
            after = gone_so_far(client, request)
            assert left == sorted(set(left))
            if whole:
                assert left == []
            else:
                assert set(range(after, SEGMENTS)) <= set(left) <= set(range(before, SEGMENTS))
            assert client.ask("GET", f"/flows/{flow_id}").status == (404 if whole else 200)
        server.kill()
    asyncio.run(go_on(tmp_path, catalogue_url, answer.json["id"]))
    with server_process(tmp_path, catalogue_url) as server:
        done = ask_until_done(server, request)
        with Client(server.url) as client:
            assert list_segments(client, flow_id) == []
    assert done["status"] == "done"
    assert "timerange_remaining" not in done
    if not whole:
        ranges = asyncio.run(told(catalogue_url, flow_id))
        assert len(ranges) > 2
        ends = [timerange.end for timerange in ranges]
        assert [timerange.start for timerange in ranges] == [0, *ends[:-1]]
        assert ends[-1] == SEGMENTS * SECOND
