"""Long Flows, deletions of them slice by slice, and what is told of these."""

from __future__ import annotations

from tams.domain.objects import Instance
from tams.services.deletions import Deletions
from tams.services.queue import Queue
from tests.services.conftest import RETENTION, URL_LIFETIME

LONG = 2100


def with_threshold(house, threshold: int) -> Deletions:
    """The same service with another threshold."""
    return Deletions(
        house.catalogue,
        house.clock,
        url_lifetime=URL_LIFETIME,
        threshold=threshold,
        retention=RETENTION,
    )


async def long_flow(house, number: int = LONG, **known) -> str:
    """A Flow of that many Segments of a second each."""
    flow_id = await house.flow(**known)
    await house.fill(flow_id, number)
    return flow_id


def seconds(start: int, end: int) -> list[str]:
    """The timeranges of its Segments between two of them."""
    return [f"[{at}:0_{at + 1}:0)" for at in range(start, end)]


async def step(house) -> bool:
    """Do one slice."""
    return await Queue(house.catalogue, house.clock, house.deletions.handlers).run_due()


async def told(house, flow_id: str, before: int) -> list[tuple[str, str]]:
    """Type and timerange of the events after the first `before`."""
    events = (await house.events(flow_id))[before:]
    return [(event.type, str(event.timerange)) for event in events]


async def deletions_of(house, flow_id: str) -> int:
    """How many requests the row of the Flow says are open."""
    return (await house.catalogue.write(lambda tx: tx.flows.lock(flow_id))).deletions


def external() -> dict[str, object]:
    """What makes a Segment of an external Object."""
    return {"get_urls": (Instance(url="https://media.example/x"),)}
