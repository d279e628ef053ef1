"""What a page of the Flows that have a tag costs, among many."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from bench.clients import request, together
from bench.figures import Figure, Run, at_most
from bench.process import Process
from bench.progress import told
from bench.segments import flow_body

PAGE = 100
SHARES = (100, 2)
"""Each tag is on one Flow of so many."""
CLIENTS = 16
"""How many fill the store at once: what they write shares transactions."""


def rows(run: Run) -> Iterator[Figure]:
    """The rows of each catalogue."""
    for engine in run.engines:
        with engine.store() as server:
            fill_tagged(server, run.flows)
            for share in SHARES:
                found = run.paced(lambda s=server, n=share: tagged_cost(s, n, run.pages))
                yield at_most(
                    f"{engine.name}: GET of {PAGE} of {run.flows:,} Flows "
                    f"by a tag on one of {share}",
                    found,
                    10,
                )


def fill_tagged(server: Process, flows: int) -> None:
    """Bring the store to that many more Flows, tagged by their shares."""
    puts = map(_put, told(f"storing {flows:,} Flows", range(flows), flows))
    together(server, [puts] * CLIENTS)


def _put(number: int) -> bytes:
    flow_id = str(uuid.uuid4())
    tags = {_tag(share): "y" for share in SHARES if number % share == 0}
    return request("PUT", f"/flows/{flow_id}", flow_body(flow_id, tags))


def tagged_cost(server: Process, share: int, rounds: int) -> float:
    """CPU milliseconds of a page of the Flows that have one of the tags."""
    path = f"/flows?tag.{_tag(share)}=y&limit={PAGE}"
    if len(server.call("GET", path)) != PAGE:
        raise RuntimeError(f"a page must hold {PAGE} Flows")
    return server.cost(lambda _: server.call("GET", path), rounds)


def _tag(share: int) -> str:
    return f"one-of-{share}"
