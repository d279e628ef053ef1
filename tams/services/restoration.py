"""Taking deletions back, with all that went along."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from tams.catalogue.base import Catalogue, Transaction
from tams.catalogue.promises.deletion_records import Kept
from tams.catalogue.promises.trash import KeptFlow
from tams.domain.clock import Clock
from tams.domain.flows import Flow
from tams.domain.sources import Source
from tams.errors import Conflict, Invalid, NotFound
from tams.services.collections import DerivedSources, check_collection, member_sources
from tams.services.flows import first_source, flow_event, found
from tams.services.locking import lock, lock_writable
from tams.services.segments import segments_restored
from tams.services.sources import source_event


class Restoration:
    """Takes back the latest deletion of something, if it was one that can be taken back.

    Nothing is restored unless all is. What is restored is told of as if it were new. An Object has
    `object_timeout` to be registered again.
    """

    def __init__(self, catalogue: Catalogue, clock: Clock, *, object_timeout: timedelta) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._object_timeout = object_timeout

    async def restore_source(self, source_id: str) -> None:
        """Take a Source back, and the Flows that went with it.

        A Source of its format that is there again takes the Flows, and stays as it is. Raises
        `NotFound`, and `Conflict` if an id is in use again.
        """

        async def work(tx: Transaction) -> None:
            await tx.flows.lock_collections()
            kept = await tx.records.lock("source", source_id)
            living = await tx.sources.lock(source_id)
            if kept is None:
                await _refuse(tx, "source", source_id, is_living=living is not None)
            else:
                await self._bring_back(tx, kept, source_id, living)
                await self._revive(tx, kept)

        await self._catalogue.write(work)

    async def restore_flow(self, flow_id: str) -> None:
        """Take a Flow back with its Segments, and its Source if that is not there.

        Raises `NotFound`, and `Conflict` if its id is in use again, or if it went with its Source.
        """

        async def work(tx: Transaction) -> None:
            await tx.flows.lock_collections()
            kept = await tx.records.lock("flow", flow_id)
            living = await tx.flows.lock(flow_id)
            if kept is None:
                await _refuse(tx, "flow", flow_id, is_living=living is not None)
            else:
                await self._revive(tx, kept)

        await self._catalogue.write(work)

    async def restore_segments(self, flow_id: str) -> None:
        """Give a Flow the Segments back that were deleted last.

        Raises `NotFound`, `FlowReadOnly`, and `Conflict` if there are others by now.
        """

        async def work(tx: Transaction) -> None:
            flow = await lock_writable(tx, flow_id)
            kept = await tx.records.lock_segments(flow)
            if kept is None:
                raise NotFound("deletion of Segments to take back of Flow", flow_id)
            number = await tx.trash.in_the_way(flow, kept.key)
            if number:
                raise Conflict(
                    f"{number} Segments that were deleted from Flow {flow_id} would overlap others;"
                    " delete these first"
                )
            now = self._clock()
            segments = await tx.trash.revive_segments(flow, kept.key, now)
            await tx.events.append(*segments_restored(flow, segments))
            await tx.records.settle(kept, "restored", now)

        await self._catalogue.write(work)

    async def restore_object(self, object_id: str) -> None:
        """Let an Object that was never registered be registered after all; raises `NotFound`."""

        async def work(tx: Transaction) -> None:
            kept = await tx.records.lock("object", object_id)
            if kept is None:
                raise NotFound("deleted Object", object_id)
            now = self._clock()
            expires = now + self._object_timeout
            if not await tx.trash.revive_object(object_id, kept.key, expires):
                raise NotFound("deleted Object", object_id)
            await tx.records.settle(kept, "restored", now)

        await self._catalogue.write(work)

    async def _bring_back(
        self, tx: Transaction, kept: Kept, source_id: str, living: Source | None
    ) -> None:
        """Add a Source, unless one of its Flows has brought it back before."""
        source = await tx.trash.source(source_id, kept.key)
        if source is None:
            return
        if living is None:
            await self._add_source(tx, source)
        elif living.format != source.format or not await tx.trash.flows(kept.key):
            raise Conflict(_in_use("Source", source_id))

    async def _revive(self, tx: Transaction, kept: Kept) -> None:
        """Let the Flows of a deletion live again; the collections are locked."""
        buried = await tx.trash.flows(kept.key)
        used = await tx.flows.sources_of([each.id for each in buried])
        if used:
            raise Conflict(_in_use("Flow", min(used)))
        await tx.trash.revive_flows(kept.key)
        flows = [await self._lock(tx, each) for each in buried]
        await self._ensure_source(tx, kept, flows)
        await tx.trash.drop_source(kept.key)
        derived = DerivedSources(tx, self._clock)
        for flow in flows:
            await derived.note({flow.source_id, *(await member_sources(tx, flow)).values()})
        for flow, before in zip(flows, buried, strict=True):
            whole = await self._collect_again(tx, flow, before)
            await tx.events.append(flow_event("flows/created", whole))
        await derived.tell()
        await tx.records.settle(kept, "restored", self._clock())

    async def _lock(self, tx: Transaction, buried: KeptFlow) -> Flow:
        """A Flow that lives again, with what it collected before: not stored yet."""
        await lock(tx, buried.id)
        flow = found(buried.id, await tx.flows.get(buried.id))
        return replace(flow, flow_collection=buried.collection)

    async def _ensure_source(self, tx: Transaction, kept: Kept, flows: Sequence[Flow]) -> None:
        for flow in flows:
            source = await tx.sources.lock(flow.source_id)
            if source is None:
                before = await tx.trash.source(flow.source_id, kept.key)
                if before is None or before.format != flow.format:
                    before = first_source(flow)
                await self._add_source(tx, before)
            elif source.format != flow.format:
                raise Conflict(
                    f"Flow {flow.id} is {flow.format}, and its Source {source.id} holds"
                    f" {source.format} by now"
                )

    async def _add_source(self, tx: Transaction, source: Source) -> None:
        source = replace(source, source_collection=(), collected_by=())
        await tx.sources.add(source)
        await tx.events.append(source_event("sources/created", source))

    async def _collect_again(self, tx: Transaction, flow: Flow, buried: KeptFlow) -> Flow:
        """Store what a Flow collected before, of what is there; others do not collect it again."""
        members = await tx.flows.sources_of([item.id for item in buried.collection])
        items = tuple(item for item in buried.collection if item.id in members)
        whole = replace(flow, flow_collection=items)
        if len(items) < len(buried.collection):
            version = str(uuid.uuid4())
            whole = replace(whole, metadata_version=version, metadata_updated=self._clock())
        if not buried.collection:
            return whole
        try:
            await check_collection(tx, whole)
        except Invalid as refusal:
            raise Conflict(f"Flow {flow.id} cannot collect what it did: {refusal}") from None
        await tx.flows.replace(whole)
        return whole


async def _refuse(tx: Transaction, kind: str, entity_id: str, *, is_living: bool) -> None:
    """Raise what tells best why there is nothing to take back."""
    noun = "Source" if kind == "source" else "Flow"
    holder = await tx.records.holder("source" if kind == "source" else "flow", entity_id)
    if holder is None or is_living:
        raise NotFound(f"deleted {noun}", entity_id)
    other = "source" if kind == "flow" else "flow"
    raise Conflict(
        f"{noun} {entity_id} was deleted with {other.capitalize()} {holder.entity_id}:"
        f" POST /{other}s/{holder.entity_id}/restore"
    )


def _in_use(noun: str, entity_id: str) -> str:
    return f"there is a {noun} {entity_id} again; delete it, or leave the other where it is"
