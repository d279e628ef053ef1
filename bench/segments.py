"""What registering and listing Segments costs the server."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from bench.process import Process

BATCH = 1000


def new_flow(server: Process, tags: dict[str, str] | None = None) -> str:
    """A video Flow; returns its id."""
    flow_id = str(uuid.uuid4())
    server.call(
        "PUT",
        f"/flows/{flow_id}",
        {
            "id": flow_id,
            "source_id": str(uuid.uuid4()),
            "format": "urn:x-nmos:format:video",
            "codec": "video/h264",
            "container": "video/mp2t",
            "essence_parameters": {
                "frame_width": 1920,
                "frame_height": 1080,
                "frame_rate": {"numerator": 25},
            },
            "tags": tags or {},
        },
    )
    return flow_id


def batch(server: Process, flow_id: str, start: int, number: int) -> list[dict[str, Any]]:
    """Bodies of new Segments of one second each, with Objects of their own, from `start` s on."""
    allocated = server.call("POST", f"/flows/{flow_id}/storage", {"limit": number})
    return [
        {"object_id": item["object_id"], "timerange": f"[{second}:0_{second + 1}:0)"}
        for second, item in enumerate(allocated["media_objects"], start)
    ]


def fill(server: Process, flow_id: str, segments: int) -> None:
    """Bring a new Flow to that many Segments."""
    for start in range(0, segments, BATCH):
        posts = batch(server, flow_id, start, min(BATCH, segments - start))
        if server.call("POST", f"/flows/{flow_id}/segments", posts):
            raise RuntimeError("some Segments were refused")


def bulk_rate(server: Process, batches: int) -> float:
    """Segments per second of server CPU, in POSTs of a thousand."""
    flow_id = new_flow(server)
    prepared = [batch(server, flow_id, n * BATCH, BATCH) for n in range(batches)]
    cost = server.cost(
        lambda n: server.call("POST", f"/flows/{flow_id}/segments", prepared[n]), batches
    )
    return BATCH / cost * 1000


def single_cost(server: Process, posts: int) -> float:
    """CPU milliseconds of a POST of one Segment."""
    flow_id = new_flow(server)
    prepared: Sequence[Any] = [
        body
        for start in range(0, posts, BATCH)
        for body in batch(server, flow_id, start, min(BATCH, posts - start))
    ]
    return server.cost(
        lambda n: server.call("POST", f"/flows/{flow_id}/segments", prepared[n]), posts
    )


def page_costs(server: Process, flow_id: str, segments: int, rounds: int) -> list[float]:
    """CPU milliseconds of a page of a thousand: the first, one in the middle, and the last."""
    starts = (0, segments // 2, segments - BATCH)
    paths = [
        f"/flows/{flow_id}/segments?limit={BATCH}&timerange=[{start}:0_{start + BATCH}:0)"
        for start in starts
    ]
    for path in paths:
        _check(server.call("GET", path))
    return [server.cost(lambda _, path=path: server.call("GET", path), rounds) for path in paths]


def _check(page: list[dict[str, Any]]) -> None:
    urls = {item["get_urls"][0]["url"] for item in page}
    if len(urls) != BATCH or any("signature=" not in url for url in urls):
        raise RuntimeError("a page must hold a thousand different signed URLs")
