"""Flows that go, and what follows for those around them, within one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, Protocol

from tams.catalogue.base import Transaction
from tams.domain.access import Principal
from tams.domain.clock import Clock
from tams.domain.events import Event
from tams.domain.flows import Flow, LockedFlow
from tams.domain.jobs import Job
from tams.domain.sources import Source
from tams.services.collections import DerivedSources, member_sources
from tams.services.flows import flow_event, found
from tams.services.locking import lock, lock_writable
from tams.services.sources import source_event


class Leaving(NamedTuple):
    """A locked Flow that goes, as it was."""

    locked: LockedFlow
    flow: Flow


class Way(Protocol):
    """How Flows and Sources go."""

    async def flow(self, tx: Transaction, leaving: Leaving) -> None:
        """Let a Flow go."""

    async def source(self, tx: Transaction, source: Source) -> None:
        """Do what is to be done before the row of a Source is removed."""


class Dropping(NamedTuple):
    """For good; their rows follow."""

    at: datetime

    async def flow(self, tx: Transaction, leaving: Leaving) -> None:
        """Hide it, and have its Segments removed."""
        await tx.flows.remove(leaving.locked, self.at)
        await tx.jobs.add(Job(kind="remove_flow", subject=leaving.locked.key, due=self.at))

    async def source(self, tx: Transaction, source: Source) -> None:
        """Nothing of it is kept."""


class Burying(NamedTuple):
    """So that they can be taken back: a deletion keeps them."""

    at: datetime
    key: int

    async def flow(self, tx: Transaction, leaving: Leaving) -> None:
        """Hide it."""
        items = leaving.flow.flow_collection
        await tx.trash.bury_flow(leaving.locked, self.key, self.at, items)

    async def source(self, tx: Transaction, source: Source) -> None:
        """Keep what it was."""
        await tx.trash.bury_source(source, self.key)


async def lock_leaving(tx: Transaction, flow_id: str) -> Leaving:
    """Lock a Flow that is to go; raises `NotFound` and `FlowReadOnly`."""
    locked = await lock_writable(tx, flow_id)
    return Leaving(locked, found(flow_id, await tx.flows.get(flow_id)))


async def hide(
    tx: Transaction,
    who: Principal,
    clock: Clock,
    leaving: Sequence[Leaving],
    source: Source | None,
    way: Way,
    *,
    always: bool = False,
) -> bool:
    """Let Flows of one locked Source go; returns whether it went along, as with its last Flow.

    It goes `always` if so. Whoever locked the collections before may call it.
    """
    derived = DerivedSources(tx, clock)
    above = () if source is None else source.collected_by
    for _, flow in leaving:
        collectors = await tx.flows.sources_of(flow.collected_by)
        members = await member_sources(tx, flow)
        await derived.note({flow.source_id, *members.values(), *collectors.values()})
        await tx.events.note_collectors(flow.id, flow.collected_by, above)
    going = {flow.id for _, flow in leaving}
    for one in leaving:
        for collector in sorted(set(one.flow.collected_by) - going):
            await _release(tx, who, clock, collector, one.flow.id)
        await way.flow(tx, one)
        await tx.events.append(_deleted(one.flow, above))
    goes = source is not None and (
        always or not (source.is_lasting or await tx.sources.has_flows(source.id))
    )
    if source is not None and goes:
        await tx.events.append(source_event("sources/deleted", source))
        await way.source(tx, source)
        await tx.sources.remove(source.id)
    await derived.tell()
    return goes


def _deleted(flow: Flow, source_collected_by: tuple[str, ...]) -> Event:
    return Event(
        type="flows/deleted",
        entity_id=flow.id,
        source_id=flow.source_id,
        flow_collected_by=flow.collected_by,
        source_collected_by=source_collected_by,
    )


async def _release(
    tx: Transaction, who: Principal, clock: Clock, collector: str, flow_id: str
) -> None:
    await lock(tx, collector)
    old = found(collector, await tx.flows.get(collector))
    kept = tuple(item for item in old.flow_collection if item.id != flow_id)
    new = replace(
        old,
        flow_collection=kept,
        metadata_version=str(uuid.uuid4()),
        metadata_updated=clock(),
        updated_by=who.name or old.updated_by,
    )
    await tx.flows.replace(new)
    await tx.events.append(flow_event("flows/updated", new))
