"""What single pages cost: the newest Segment, and a thousand with and without presigned URLs."""

from __future__ import annotations

from collections.abc import Iterator

from bench.bucket import bucket
from bench.figures import Figure, Run, at_most, times
from bench.process import Process
from bench.requests import service_cost
from bench.segments import BATCH, check_signed, filled_flow, page_paths


def rows(run: Run) -> Iterator[Figure]:
    """The rows of each catalogue."""
    for engine in run.engines:
        with engine.store() as server:
            flow_id = filled_flow(server, BATCH)
            service, newest = [], []
            for _ in range(run.rounds):
                service.append(service_cost(server, run.requests))
                newest.append(newest_cost(server, flow_id, run.requests))
            bare = run.paced(lambda s=server, f=flow_id: bare_page_cost(s, f, run.pages))
        ratio = min(newest) / min(service)
        yield times(
            f"{engine.name}: GET of the newest Segment",
            f"{min(newest):.3f} ms, {ratio:.1f} times GET /service",
            ratio,
            4,
        )
        yield at_most(f"{engine.name}: GET of {BATCH} Segments without URLs", bare, 2.5)
        with bucket() as settings, engine.store(**settings) as server:
            flow_id = filled_flow(server, run.pages * BATCH)
            signed = run.paced(lambda s=server, f=flow_id: presigned_cost(s, f, run.pages))
        yield at_most(f"{engine.name}: GET of {BATCH} Segments with presigned S3 URLs", signed, 6)


def newest_cost(server: Process, flow_id: str, requests: int) -> float:
    """CPU milliseconds of asking a Flow of a thousand Segments for its newest."""
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


def presigned_cost(server: Process, flow_id: str, pages: int) -> float:
    """CPU milliseconds of a page of a thousand in S3, each page once, so that none is at hand."""
    paths = page_paths(flow_id, list(range(0, pages * BATCH, BATCH)))
    cost = server.cost(lambda n: server.call("GET", paths[n]), pages)
    check_signed(server.call("GET", paths[0]), "X-Amz-Signature=")
    return cost
