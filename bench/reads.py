"""What small and filtered reads cost the server."""

from __future__ import annotations

from bench.process import Process
from bench.segments import BATCH, fill, new_flow

PAGE = 100
SHARES = (100, 2)
"""Each tag is on one Flow of so many."""


def newest_cost(server: Process, requests: int) -> float:
    """CPU milliseconds of asking a Flow for its newest Segment."""
    flow_id = new_flow(server)
    fill(server, flow_id, BATCH)
    path = f"/flows/{flow_id}/segments?limit=1&reverse_order=true"
    [found] = server.call("GET", path)
    if found["timerange"] != f"[{BATCH - 1}:0_{BATCH}:0)":
        raise RuntimeError("this is not the newest Segment")
    return server.cost(lambda _: server.call("GET", path), requests)


def bare_page_cost(server: Process, flow_id: str, rounds: int) -> float:
    """CPU milliseconds of a page of a thousand Segments without URLs."""
    path = f"/flows/{flow_id}/segments?limit={BATCH}&accept_get_urls="
    page = server.call("GET", path)
    if len(page) != BATCH or any("get_urls" in item for item in page):
        raise RuntimeError("a page must hold a thousand Segments without URLs")
    return server.cost(lambda _: server.call("GET", path), rounds)


def fill_tagged(server: Process, flows: int) -> None:
    """Bring the store to that many more Flows, tagged by their shares."""
    for number in range(flows):
        new_flow(server, {_tag(share): "y" for share in SHARES if number % share == 0})


def tagged_cost(server: Process, share: int, rounds: int) -> float:
    """CPU milliseconds of a page of the Flows that have one of the tags."""
    path = f"/flows?tag.{_tag(share)}=y&limit={PAGE}"
    if len(server.call("GET", path)) != PAGE:
        raise RuntimeError(f"a page must hold {PAGE} Flows")
    return server.cost(lambda _: server.call("GET", path), rounds)


def _tag(share: int) -> str:
    return f"one-of-{share}"
