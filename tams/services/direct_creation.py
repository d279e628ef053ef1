"""Sources, Flows and Objects that clients make by themselves, one or many at a time.

All of a request is made, or nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.access import Principal
from tams.domain.batches import of_batch
from tams.domain.clock import Clock
from tams.domain.flows import Flow, FlowCommon
from tams.domain.objects import NewReservation, ReservedObject, new_object_ids
from tams.domain.records import values_of
from tams.domain.sources import Source, SourceMetadata
from tams.errors import Conflict, NotFound
from tams.services.flows import Flows
from tams.services.sources import source_event

A = TypeVar("A")
B = TypeVar("B")


class DirectCreation:
    """Makes Sources that stay without Flows, Flows with their Sources, and reserves ids of Objects.

    With `is_batch`, refusals name the item by its place.
    """

    def __init__(self, catalogue: Catalogue, clock: Clock, flows: Flows) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._flows = flows

    async def add_sources(
        self, who: Principal, sources: Sequence[SourceMetadata], *, is_batch: bool = False
    ) -> Sequence[Source]:
        """Make Sources, each of which stays until it is deleted.

        Raises `Conflict` for an id that a Source has.
        """

        async def work(tx: Transaction) -> Sequence[Source]:
            async def add(new: SourceMetadata) -> Source:
                return await self._add_source(tx, who, new)

            return await _each(add, sources, is_batch=is_batch)

        return await self._catalogue.write(work)

    async def add_flows(
        self,
        who: Principal,
        flows: Sequence[FlowCommon],
        *,
        is_batch: bool = False,
        needs_source: bool = False,
    ) -> Sequence[Flow]:
        """Make Flows, and those of their Sources that are new.

        A Flow may collect those before it. Raises `Conflict` for an id that a Flow has, `Invalid`
        as a PUT of a Flow does, and `NotFound` for an unknown Source if it `needs_source`.
        """

        async def work(tx: Transaction) -> Sequence[Flow]:
            if any(flow.flow_collection for flow in flows):
                await tx.flows.lock_collections()

            async def add(new: FlowCommon) -> Flow:
                if await tx.flows.lock(new.id) is not None:
                    raise Conflict(f"id: there is a Flow {new.id} already; PUT it to change it")
                if needs_source and await tx.sources.lock(new.source_id) is None:
                    raise NotFound("Source", new.source_id)
                return await self._flows.add(tx, who, new)

            return await _each(add, flows, is_batch=is_batch)

        return await self._catalogue.write(work)

    async def reserve_objects(
        self, who: Principal, asked: Sequence[NewReservation], *, is_batch: bool = False
    ) -> Sequence[ReservedObject]:
        """Reserve ids, until a Segment has used them; those that are missing are made.

        Raises `Conflict` for an id that an Object has, or that is reserved.
        """
        now = self._clock()
        made = iter(new_object_ids(len(asked), now))
        reserved = [
            ReservedObject(
                id=next(made) if one.id is None else one.id,
                size=one.size,
                created_by=who.name,
                created=now,
            )
            for one in asked
        ]
        ids = [one.id for one in reserved]

        async def work(tx: Transaction) -> None:
            taken = {*await tx.objects.taken(ids), *await tx.reservations.taken(ids)}
            for place, object_id in enumerate(ids):
                with of_batch(place if is_batch else None):
                    if object_id in taken:
                        raise Conflict(f"id: there is an Object {object_id} already")
                taken.add(object_id)
            await tx.reservations.add(reserved)

        await self._catalogue.write(work)
        return reserved

    async def _add_source(self, tx: Transaction, who: Principal, new: SourceMetadata) -> Source:
        if await tx.sources.lock(new.id) is not None:
            raise Conflict(f"id: there is a Source {new.id} already")
        now = self._clock()
        source = Source(**values_of(SourceMetadata, new), created=now, updated=now, is_lasting=True)
        source = replace(
            source,
            created_by=source.created_by or who.name,
            updated_by=source.updated_by or who.name,
        )
        await tx.sources.add(source)
        await tx.events.append(source_event("sources/created", source))
        return source


async def _each(
    add: Callable[[A], Awaitable[B]], items: Sequence[A], *, is_batch: bool
) -> Sequence[B]:
    made = []
    for place, item in enumerate(items):
        with of_batch(place if is_batch else None):
            made.append(await add(item))
    return made
