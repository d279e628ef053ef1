"""Deletions that say how: for good or so that they can be taken back, alone or with dependents."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

from tams.catalogue.base import Catalogue, Transaction
from tams.catalogue.promises.segments import MAX_SEGMENTS, Extent
from tams.domain.access import Principal
from tams.domain.clock import Clock
from tams.domain.deletions import DeletionRequest
from tams.domain.flows import LockedFlow
from tams.domain.pages import PageRequest
from tams.domain.segments import SegmentQuery
from tams.domain.sources import Source
from tams.domain.tags import TagFilter
from tams.domain.timerange import ETERNITY
from tams.domain.trash import COUNTED, Affected, Count, DeletedKind, DeletionRecord, Manner
from tams.errors import Conflict, Invalid, NotFound
from tams.services.deletions import Deletions
from tams.services.hiding import Burying, Leaving, hide, lock_leaving
from tams.services.locking import lock_writable
from tams.services.removal import segments_deleted, settle
from tams.services.sources import found

_WITH_ALL = "delete them first, or say cascade=true"


class _Whole(NamedTuple):
    """A locked Source, and its locked Flows."""

    source: Source
    leaving: Sequence[Leaving]


class SoftDeletion:
    """Deletes Sources, Flows, Segments and Objects in the manner that is asked for.

    Each is recorded, in the transaction of its change. `url_lifetime` is how long a URL that was
    given out may work: the bytes of what goes for good stay until then.
    """

    def __init__(
        self, catalogue: Catalogue, deletions: Deletions, clock: Clock, *, url_lifetime: timedelta
    ) -> None:
        self._catalogue = catalogue
        self._deletions = deletions
        self._clock = clock
        self._url_lifetime = url_lifetime

    async def delete_source(
        self, who: Principal, source_id: str, manner: Manner
    ) -> Sequence[DeletionRequest]:
        """Delete a Source, with its Flows if it is to cascade.

        All is gone at once; returns a request for each Flow whose many rows follow. Raises
        `NotFound`, `FlowReadOnly`, and `Conflict` if Flows depend on it that are not to go.
        """

        async def work(tx: Transaction) -> Sequence[DeletionRequest]:
            await tx.flows.lock_collections()
            lock_it = _lock_whole if manner.cascade else _lock_alone
            source, leaving = await lock_it(tx, source_id)
            affected = Affected(
                flow_ids=tuple(flow.id for _, flow in leaving),
                segments=await _count(tx, [locked for locked, _ in leaving]),
            )
            record = self._record(who, manner, "source", source_id, affected)
            key = await tx.records.add(record)
            if manner.soft:
                _require_calm(leaving)
                way = Burying(record.deleted_at, key)
                await hide(tx, who, self._clock, leaving, source, way, always=True)
                return ()
            _, requests = await self._deletions.drop(tx, who, leaving, source, always=True)
            return requests

        return await self._catalogue.write(work)

    async def delete_flow(
        self, who: Principal, flow_id: str, manner: Manner
    ) -> DeletionRequest | None:
        """Delete a Flow, with its Segments if it is to cascade.

        Returns a request if it is for good and there are many Segments. Raises `NotFound`,
        `FlowReadOnly`, and `Conflict` if it has Segments that are not to go.
        """

        async def note(tx: Transaction, flow: LockedFlow, went: bool) -> None:
            key, affected = await self._note_flow(tx, who, flow, manner)
            if went:
                await tx.records.describe(key, _with_source(affected, flow.source_id))

        async def bury(tx: Transaction) -> None:
            await tx.flows.lock_collections()
            leaving = await lock_leaving(tx, flow_id)
            source = await tx.sources.lock(leaving.flow.source_id)
            _require_calm([leaving])
            key, affected = await self._note_flow(tx, who, leaving.locked, manner)
            way = Burying(self._clock(), key)
            if await hide(tx, who, self._clock, [leaving], source, way):
                await tx.records.describe(key, _with_source(affected, leaving.flow.source_id))

        if not manner.soft:
            return await self._deletions.delete_flow(who, flow_id, note)
        await self._catalogue.write(bury)
        return None

    async def delete_segments(
        self, who: Principal, flow_id: str, query: SegmentQuery, manner: Manner
    ) -> DeletionRequest | None:
        """Delete the Segments that lie completely within the query's timerange.

        Unless they are to go for good and whatever uses their Objects, it is one transaction, and
        takes MAX_SEGMENTS at most. Raises `NotFound`, `FlowReadOnly`, `Invalid` if they are more,
        and `Conflict` if Objects would be used no more that are not to go.
        """

        async def note(tx: Transaction, flow: LockedFlow) -> None:
            extent = await tx.segments.extent(flow, query, COUNTED + 1)
            if extent.number:
                await tx.records.add(self._record_of(who, flow, query, extent, manner))

        async def work(tx: Transaction) -> None:
            flow = await lock_writable(tx, flow_id)
            extent = await tx.segments.extent(flow, query, MAX_SEGMENTS + 1)
            if not extent.number:
                return
            if not manner.cascade:
                await _require_other_uses(tx, flow, query)
            if extent.number > MAX_SEGMENTS:
                rule = f"it must leave at most {MAX_SEGMENTS} Segments to be deleted in this manner"
                raise Invalid("timerange", str(query.timerange), rule)
            record = self._record_of(who, flow, query, extent, manner)
            await self._take(tx, flow, query, record)

        if not manner.soft and manner.cascade:
            return await self._deletions.delete_segments(who, flow_id, query, note)
        await self._catalogue.write(work)
        return None

    async def delete_object(self, who: Principal, object_id: str, manner: Manner) -> None:
        """Delete an Object that was never registered; its id is reserved no more.

        A mere reservation goes for good, whatever the manner: there is nothing to keep of it.
        Raises `NotFound`, and `Conflict` if Segments refer to it.
        """

        async def work(tx: Transaction) -> None:
            is_there = await tx.trash.lock_unregistered(object_id)
            is_soft = manner.soft and is_there
            was_reserved = not is_soft and await tx.reservations.remove(object_id)
            if not (is_there or was_reserved):
                await _refuse(tx, object_id)
            how = manner._replace(soft=is_soft)
            record = self._record(who, how, "object", object_id, Affected())
            key = await tx.records.add(record)
            if is_soft:
                await tx.trash.bury_object(object_id, key)
            elif is_there:
                due = record.deleted_at + self._url_lifetime
                await tx.trash.condemn_unregistered(object_id, due)

        await self._catalogue.write(work)

    async def _note_flow(
        self, tx: Transaction, who: Principal, flow: LockedFlow, manner: Manner
    ) -> tuple[int, Affected]:
        segments = await _count(tx, [flow])
        if segments.number and not manner.cascade:
            raise Conflict(f"Flow {flow.id} has {segments} Segments; {_WITH_ALL}")
        affected = Affected(segments=segments)
        return await tx.records.add(self._record(who, manner, "flow", flow.id, affected)), affected

    async def _take(
        self, tx: Transaction, flow: LockedFlow, query: SegmentQuery, record: DeletionRecord
    ) -> None:
        now = record.deleted_at
        key = await tx.records.add(record)
        if not record.soft:
            deleted = await tx.segments.delete(flow, query, now, MAX_SEGMENTS)
            await settle(tx, flow, deleted, now + self._url_lifetime)
            return
        if flow.deletions:
            raise Conflict(_in_progress(flow))
        buried = await tx.trash.bury_segments(flow, query, key, now)
        await tx.events.append(segments_deleted(flow, buried))

    def _record_of(
        self,
        who: Principal,
        flow: LockedFlow,
        query: SegmentQuery,
        extent: Extent,
        manner: Manner,
    ) -> DeletionRecord:
        affected = Affected(
            segments=Count.of(extent.number), timerange=query.timerange, object_id=query.object_id
        )
        return self._record(who, manner, "segments", flow.id, affected)

    def _record(
        self,
        who: Principal,
        manner: Manner,
        kind: DeletedKind,
        entity_id: str,
        affected: Affected,
    ) -> DeletionRecord:
        return DeletionRecord(
            id=str(uuid.uuid4()),
            kind=kind,
            entity_id=entity_id,
            deleted_at=self._clock(),
            deleted_by=manner.by(who),
            principal=who.name,
            soft=manner.soft,
            cascade=manner.cascade,
            state="restorable" if manner.soft else "deleted",
            affected=affected,
        )


async def _lock_whole(tx: Transaction, source_id: str) -> _Whole:
    """Lock a Source after its Flows; until then others may add some, which are locked behind it."""
    leaving = [await lock_leaving(tx, each) for each in await tx.trash.flow_ids(source_id)]
    source = found(source_id, await tx.sources.lock(source_id))
    known = {flow.id for _, flow in leaving}
    late = [each for each in await tx.trash.flow_ids(source_id) if each not in known]
    return _Whole(source, [*leaving, *[await lock_leaving(tx, each) for each in late]])


async def _lock_alone(tx: Transaction, source_id: str) -> _Whole:
    """Lock a Source that has no Flows, nor gets any from then on; raises `Conflict`."""
    source = found(source_id, await tx.sources.lock(source_id))
    flow_ids = await tx.trash.flow_ids(source_id)
    if flow_ids:
        raise Conflict(f"{len(flow_ids)} Flows belong to Source {source_id}; {_WITH_ALL}")
    return _Whole(source, ())


def _require_calm(leaving: Iterable[Leaving]) -> None:
    """What is being deleted for good is not to come back with what can be taken back."""
    for locked, _ in leaving:
        if locked.deletions:
            raise Conflict(_in_progress(locked))


def _in_progress(flow: LockedFlow) -> str:
    return (
        f"Segments of Flow {flow.id} are being deleted for good; wait for"
        " /flow-delete-requests to tell that this is done"
    )


async def _require_other_uses(tx: Transaction, flow: LockedFlow, query: SegmentQuery) -> None:
    number = await tx.trash.last_uses(flow, query)
    if number:
        raise Conflict(
            f"{number} Objects are used by these Segments of Flow {flow.id} alone, and would go"
            " with them; say cascade=true if they are to"
        )


async def _refuse(tx: Transaction, object_id: str) -> None:
    if await tx.objects.get(object_id) is None:
        raise NotFound("Object", object_id)
    page = await tx.objects.referenced_by(object_id, TagFilter(), PageRequest(COUNTED))
    number = Count(len(page.items), page.next_key is not None)
    raise Conflict(
        f"{number} Flows have Segments of Object {object_id}, which goes with the last of these:"
        " delete them instead"
    )


async def _count(tx: Transaction, flows: Iterable[LockedFlow]) -> Count:
    """How many Segments they have, as far as is counted."""
    total = 0
    for flow in flows:
        if total <= COUNTED:
            extent = await tx.segments.extent(flow, SegmentQuery(ETERNITY), COUNTED + 1)
            total += extent.number
    return Count.of(total)


def _with_source(affected: Affected, source_id: str) -> Affected:
    return Affected(segments=affected.segments, source_id=source_id)
