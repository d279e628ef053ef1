"""What Flows collect, and what follows from it for their Sources (ADR 0012, 0056)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tams.catalogue.base import Transaction
from tams.domain.clock import Clock
from tams.domain.flows import FlowMetadata
from tams.domain.sources import Source, SourceMember, derived_collection
from tams.errors import Invalid
from tams.services.sources import source_event


async def check_collection(tx: Transaction, flow: FlowMetadata) -> None:
    """Raise `Invalid` if a member is unknown, a cycle would arise, or the Source disagrees.

    Statements 76, 115, 117 and the decision on 120.
    """
    members = [item.id for item in flow.flow_collection]
    sources = await tx.flows.sources_of(members)
    for member in members:
        if member not in sources:
            raise Invalid("flow_collection", member, "it must name Flows that exist here")
    if flow.id in await tx.flows.collected_from(members):
        raise Invalid("flow_collection", members, "a Flow must not collect itself, even indirectly")
    collected = tuple(
        SourceMember(id=sources[item.id], role=item.role) for item in flow.flow_collection
    )
    others = await tx.sources.collections(flow.source_id, except_flow=flow.id)
    try:
        derived_collection([*others, collected])
    except ValueError as conflict:
        raise Invalid("flow_collection", members, str(conflict)) from None


class DerivedSources:
    """Notes what a set of Sources derives from collections, and tells of what became of it."""

    def __init__(self, tx: Transaction, clock: Clock) -> None:
        self._tx = tx
        self._clock = clock
        self._before: dict[str, Source] = {}

    async def note(self, source_ids: Iterable[str]) -> None:
        """Remember these Sources as they are, before the change."""
        for source_id in source_ids:
            source = await self._tx.sources.get(source_id)
            if source is not None:
                self._before.setdefault(source_id, source)

    async def tell(self) -> None:
        """Bump and announce those whose derived collections differ now (decision on 49)."""
        for source_id, old in sorted(self._before.items()):
            new = await self._tx.sources.lock(source_id)
            if new is None or _derived(new) == _derived(old):
                continue
            new = replace(new, updated=self._clock())
            await self._tx.sources.replace(new)
            await self._tx.events.append(source_event("sources/updated", new))


def _derived(source: Source) -> tuple[object, object]:
    return source.source_collection, source.collected_by


async def member_sources(tx: Transaction, *flows: FlowMetadata) -> Mapping[str, str]:
    """The Sources of all that these Flows collect, by the members' Flow ids."""
    return await tx.flows.sources_of({item.id for flow in flows for item in flow.flow_collection})
