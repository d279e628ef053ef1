"""What clients may do with Sources; most come and go with their Flows (ADR 0018)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.access import Principal
from tams.domain.clock import Clock
from tams.domain.events import Event, EventType
from tams.domain.pages import Page, PageRequest
from tams.domain.sources import Source, SourceQuery
from tams.errors import NotFound

Change = Callable[[Source], Source]


class Sources:
    """Reads Sources, and changes their label, description and tags (TAMS 8.2 `/sources`)."""

    def __init__(self, catalogue: Catalogue, clock: Clock) -> None:
        self._catalogue = catalogue
        self._clock = clock

    async def get(self, source_id: str) -> Source:
        """Return a Source; raises `NotFound`."""

        async def work(tx: Transaction) -> Source:
            return found(source_id, await tx.sources.get(source_id))

        return await self._catalogue.read(work)

    async def list(self, query: SourceQuery, page: PageRequest) -> Page[Source]:
        """One page of the Sources that pass."""

        async def work(tx: Transaction) -> Page[Source]:
            return await tx.sources.list(query, page)

        return await self._catalogue.browse(work)

    async def change(self, who: Principal, source_id: str, change: Change) -> None:
        """Change label, description or tags; raises `NotFound` and what `change` raises."""

        async def work(tx: Transaction) -> None:
            old = found(source_id, await tx.sources.lock(source_id))
            new = change(old)
            if new == old:
                return
            new = replace(new, updated=self._clock(), updated_by=who.name or old.updated_by)
            await tx.sources.replace(new)
            await tx.events.append(source_event("sources/updated", new))

        await self._catalogue.write(work)


def found(source_id: str, source: Source | None) -> Source:
    """Return the Source; raise `NotFound` if there is none."""
    if source is None:
        raise NotFound("Source", source_id)
    return source


def source_event(kind: EventType, source: Source) -> Event:
    """An event about a Source, with all that filters need once it is gone."""
    return Event(
        type=kind,
        entity_id=source.id,
        source_id=source.id,
        source_collected_by=source.collected_by,
        source=source,
    )
