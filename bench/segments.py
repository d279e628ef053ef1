"""Flows and Segments to measure with."""

from __future__ import annotations

import uuid
from typing import Any

from bench.process import Process
from bench.progress import told

BATCH = 1000


def flow_body(flow_id: str, tags: dict[str, str] | None = None) -> dict[str, Any]:
    """A video Flow of a Source of its own."""
    return {
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
    }


def new_flow(server: Process) -> str:
    """Store a video Flow; returns its id."""
    flow_id = str(uuid.uuid4())
    server.call("PUT", f"/flows/{flow_id}", flow_body(flow_id))
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
    starts = range(0, segments, BATCH)
    for start in told(f"filling a Flow with {segments:,} Segments", starts, len(starts)):
        posts = batch(server, flow_id, start, min(BATCH, segments - start))
        if server.call("POST", f"/flows/{flow_id}/segments", posts):
            raise RuntimeError("some Segments were refused")


def filled_flow(server: Process, segments: int) -> str:
    """A new Flow of that many Segments; returns its id."""
    flow_id = new_flow(server)
    fill(server, flow_id, segments)
    return flow_id


def page_paths(flow_id: str, starts: list[int]) -> list[str]:
    """The pages of a thousand Segments from these seconds on, by `timerange`."""
    return [
        f"/flows/{flow_id}/segments?limit={BATCH}&timerange=[{start}:0_{start + BATCH}:0)"
        for start in starts
    ]


def check_signed(page: list[dict[str, Any]], sign: str) -> None:
    """Raise `RuntimeError` unless it is a whole page whose URLs differ and hold the sign."""
    urls = {item["get_urls"][0]["url"] for item in page}
    if len(urls) != BATCH or any(sign not in url for url in urls):
        raise RuntimeError("a page must hold a thousand different signed URLs")
