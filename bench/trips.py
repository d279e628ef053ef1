"""What a registration costs a client of PostgreSQL, beside a bare loop of its round trips.

The catalogue registers single Segments, each with its event, as a POST does, for many writers at
once, and what it sends is recorded. Then, in turn and in this process, on copies of the same
database, the catalogue does the same again, and asyncpg alone sends the same statements with the
same parameters over as many connections, one after the other on each.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, NamedTuple

import asyncpg
import uvloop

from bench.figures import Figure, Run, times
from bench.postgres import Databases
from bench.syncs import WRITERS
from tams.catalogue.base import Transaction, Work
from tams.catalogue.connect import migrate
from tams.catalogue.sql.postgres import PostgresCatalogue
from tams.domain.events import Event
from tams.domain.registration import decide
from tams.domain.segments import NewSegment
from tests.catalogue import building as untyped

building: Any = untyped

CONNECTIONS = 10
"""As many as a server opens by default."""

Statement = tuple[str, tuple[Any, ...]]
Registration = Sequence[Statement]


class Costs(NamedTuple):
    """CPU milliseconds of this process for a registration, and the round trips of the longest."""

    catalogue: float
    bare: float
    trips: int


def rows(run: Run) -> Iterator[Figure]:
    """The rows of PostgreSQL, if it is measured."""
    if run.databases is None:
        return
    posts = max(1, run.requests // WRITERS)
    found = uvloop.run(_measure(run.databases, run.rounds, posts))
    yield Figure(
        "PostgreSQL: round trips of a registration", f"{found.trips}", "5", found.trips <= 5
    )
    ratio = found.catalogue / found.bare
    yield times(
        f"PostgreSQL: registrations by {WRITERS} writers, beside a bare loop of their round trips",
        f"{found.catalogue:.3f} ms, {ratio:.2f} times the loop ({found.bare:.3f} ms)",
        ratio,
        1.7,
    )


async def _measure(databases: Databases, rounds: int, posts: int) -> Costs:
    url = databases.fresh()
    await migrate(url)
    # A round more than is measured: in the first, statements are prepared.
    works = await _prepare(url, (rounds + 1) * posts)
    ours, bare = databases.copy(url), databases.copy(url)
    recorded = await _record(url, works)
    catalogue = PostgresCatalogue(ours, connections=CONNECTIONS)
    await catalogue.open()
    connections = [await asyncpg.connect(bare) for _ in range(CONNECTIONS)]
    spent, least = [], []
    for start in range(0, (rounds + 1) * posts, posts):
        part = slice(start, start + posts)
        spent.append(await _cost(lambda part=part: _write(catalogue, works, part)))
        least.append(await _cost(lambda part=part: _send(connections, recorded, part)))
    await catalogue.close()
    for connection in connections:
        await connection.close()
    # In the first round a new connection also asks what some types are.
    trips = max(len(registration) for flow in recorded for registration in flow[posts:])
    number = WRITERS * posts / 1000
    return Costs(min(spent[1:]) / number, min(least[1:]) / number, trips)


async def _cost(work: Callable[[], Awaitable[None]]) -> float:
    begun = time.process_time()
    await work()
    return time.process_time() - begun


async def _prepare(url: str, posts: int) -> list[list[Work[None]]]:
    """Flows with Objects in an empty database, and for each the works that register them."""
    catalogue = PostgresCatalogue(url)
    await catalogue.open()
    flows = [building.make_flow() for _ in range(WRITERS)]
    await building.add_flows(catalogue, *flows)
    works = []
    for flow in flows:
        names = [f"{flow.id}-{n}" for n in range(posts)]
        await building.allocate(catalogue, flow.id, *names)
        new = [building.segment_at(name, f"[{n}:0_{n + 1}:0)") for n, name in enumerate(names)]
        works.append([_registration(flow.id, post) for post in new])
    await catalogue.close()
    return works


def _registration(flow_id: str, post: NewSegment) -> Work[None]:
    async def work(tx: Transaction) -> None:
        flow = await tx.flows.lock(flow_id)
        if flow is None:
            raise RuntimeError("the Flow is not there")
        decision = decide(flow, [post], await tx.segments.survey(flow, [post]), frozenset())
        if decision.refused:
            raise RuntimeError("a Segment was refused")
        await tx.segments.add(flow, decision.accepted, building.NOON)
        added = tuple(accepted.segment for accepted in decision.accepted)
        event = Event(
            type="flows/segments_added",
            entity_id=flow.id,
            source_id=flow.source_id,
            segments=added,
        )
        await tx.events.append(event)

    return work


class Recorder(PostgresCatalogue):
    """Keeps what it sends."""

    def __init__(self, url: str) -> None:
        super().__init__(url, connections=1)
        self.sent: list[Statement] = []

    async def _transact(
        self, work: Work[Any], begin: str | None, pool: asyncpg.Pool, database: asyncpg.Connection
    ) -> Any:  # noqa: ANN401 (what the work returns)
        database.add_query_logger(self._keep)
        return await super()._transact(work, begin, pool, database)

    def _keep(self, sent: Any) -> None:  # noqa: ANN401 (asyncpg's LoggedQuery)
        self.sent.append((sent.query, tuple(sent.args)))


async def _record(url: str, works: Sequence[Sequence[Work[None]]]) -> list[list[Registration]]:
    """What the catalogue sends for each work."""
    recorder = Recorder(url)
    await recorder.open()
    found: list[list[Registration]] = []
    for flow in works:
        found.append([])
        for work in flow:
            recorder.sent.clear()
            await recorder.write(work)
            found[-1].append(list(recorder.sent))
    await recorder.close()
    return found


async def _write(
    catalogue: PostgresCatalogue, works: Sequence[Sequence[Work[None]]], part: slice
) -> None:
    async def one(flow: Sequence[Work[None]]) -> None:
        for work in flow:
            await catalogue.write(work)

    await asyncio.gather(*(one(flow[part]) for flow in works))


async def _send(
    connections: Sequence[asyncpg.Connection],
    recorded: Sequence[Sequence[Registration]],
    part: slice,
) -> None:
    async def over(connection: asyncpg.Connection, flows: Sequence[Sequence[Registration]]) -> None:
        for flow in flows:
            for registration in flow[part]:
                for text, parameters in registration:
                    if parameters:
                        await connection.fetch(text, *parameters)
                    else:
                        await connection.execute(text)

    shares = [recorded[number :: len(connections)] for number in range(len(connections))]
    await asyncio.gather(*map(over, connections, shares))
