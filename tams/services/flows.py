"""What clients may do with Flows, but for their Segments."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.access import Principal
from tams.domain.clock import Clock
from tams.domain.events import Event, EventType
from tams.domain.flows import Flow, FlowCommon, FlowMetadata, FlowQuery
from tams.domain.pages import Page, PageRequest
from tams.domain.profiles import profile_after
from tams.domain.records import values_of
from tams.domain.sources import Source
from tams.domain.timerange import TimeRange
from tams.errors import Invalid, NotFound
from tams.services.collections import DerivedSources, check_collection, member_sources
from tams.services.locking import lock, lock_writable, require_writable
from tams.services.sources import source_event

Change = Callable[[Flow], Flow]


class Flows:
    """Reads, creates and changes Flows (TAMS 8.2 `/flows`)."""

    def __init__(self, catalogue: Catalogue, clock: Clock) -> None:
        self._catalogue = catalogue
        self._clock = clock

    async def get(self, flow_id: str) -> Flow:
        """Return a Flow; raises `NotFound`."""
        flow, _ = await self.get_within(flow_id, None)
        return flow

    async def get_within(
        self, flow_id: str, timerange: TimeRange | None
    ) -> tuple[Flow, TimeRange | None]:
        """Return a Flow, and from where to where its Segments reach that overlap `timerange`.

        Raises `NotFound`.
        """

        async def work(tx: Transaction) -> tuple[Flow, TimeRange | None]:
            flow = found(flow_id, await tx.flows.get(flow_id))
            if timerange is None:
                return flow, None
            return flow, await tx.flows.timerange(flow_id, timerange)

        return await self._catalogue.read(work)

    async def list(self, query: FlowQuery, page: PageRequest) -> Page[Flow]:
        """One page of the Flows that pass."""

        async def work(tx: Transaction) -> Page[Flow]:
            return await tx.flows.list(query, page)

        return await self._catalogue.browse(work)

    async def put(self, who: Principal, flow: FlowCommon) -> Flow | None:
        """Create a Flow and return it, or replace the metadata of an existing one.

        What is no `FlowMetadata` takes the rest from its Profile. Raises `Invalid` where there is
        none, or where the Flow would conflict with its Profile, its Source or its collection, and
        `FlowReadOnly`.
        """

        async def work(tx: Transaction) -> Flow | None:
            if flow.flow_collection:
                await tx.flows.lock_collections()
            locked = await tx.flows.lock(flow.id)
            if locked is None:
                return await self._create(tx, who, await _completed(tx, flow))
            require_writable(locked)
            old = found(flow.id, await tx.flows.get(flow.id))
            await self._update(tx, who, old, _with(old, await _completed(tx, flow)))
            return None

        return await self._catalogue.write(work)

    async def change(
        self, who: Principal, flow_id: str, change: Change, *, collection: bool = False
    ) -> None:
        """Change properties; `collection` says that `flow_collection` may be among them.

        Raises `NotFound`, `FlowReadOnly`, and what `change` raises.
        """

        async def work(tx: Transaction) -> None:
            if collection:
                await tx.flows.lock_collections()
            await lock_writable(tx, flow_id)
            old = found(flow_id, await tx.flows.get(flow_id))
            await self._update(tx, who, old, change(old))

        await self._catalogue.write(work)

    async def change_within(
        self, tx: Transaction, who: Principal, flow_id: str, change: Change
    ) -> None:
        """The same of a locked Flow, but for `flow_collection`, as part of a work."""
        old = found(flow_id, await tx.flows.get(flow_id))
        await self._update(tx, who, old, change(old))

    async def set_read_only(self, who: Principal, flow_id: str, *, read_only: bool) -> None:
        """Protect a Flow from changes, or allow them again; raises `NotFound`."""

        async def work(tx: Transaction) -> None:
            await lock(tx, flow_id)
            old = found(flow_id, await tx.flows.get(flow_id))
            await self._update(tx, who, old, replace(old, read_only=read_only))

        await self._catalogue.write(work)

    async def _create(self, tx: Transaction, who: Principal, metadata: FlowMetadata) -> Flow:
        now = self._clock()
        flow = Flow(
            **values_of(FlowMetadata, metadata),
            created=now,
            metadata_updated=now,
        )
        flow = replace(
            flow,
            profile_id=flow.profile_id or None,
            created_by=flow.created_by or who.name,
            updated_by=flow.updated_by or who.name,
            metadata_version=flow.metadata_version or str(uuid.uuid4()),
        )
        await self._check_source(tx, flow)
        if flow.flow_collection:
            await check_collection(tx, flow)
        derived = DerivedSources(tx, self._clock)
        await derived.note({flow.source_id, *(await member_sources(tx, flow)).values()})
        await tx.flows.add(flow)
        await tx.events.append(flow_event("flows/created", flow))
        await derived.tell()
        return flow

    async def _check_source(self, tx: Transaction, flow: Flow) -> None:
        source = await tx.sources.lock(flow.source_id)
        if source is None:
            source = _first_source(flow)
            await tx.sources.add(source)
            await tx.events.append(source_event("sources/created", source))
        elif source.format != flow.format:
            raise Invalid("format", flow.format, f"Source {source.id} holds {source.format}")

    async def _update(self, tx: Transaction, who: Principal, old: Flow, new: Flow) -> None:
        if new == old:
            return
        if new.format != old.format:
            raise Invalid("format", new.format, f"Source {old.source_id} holds {old.format}")
        version = new.metadata_version
        if version in (None, old.metadata_version):
            version = str(uuid.uuid4())
        updated_by = who.name or new.updated_by
        new = replace(
            new, metadata_version=version, metadata_updated=self._clock(), updated_by=updated_by
        )
        derived = DerivedSources(tx, self._clock)
        if new.flow_collection != old.flow_collection:
            await check_collection(tx, new)
            await derived.note({new.source_id, *(await member_sources(tx, old, new)).values()})
        await tx.flows.replace(new)
        await tx.events.append(flow_event("flows/updated", new))
        await derived.tell()


def found(flow_id: str, flow: Flow | None) -> Flow:
    """Return the Flow; raises `NotFound` if there is none."""
    if flow is None:
        raise NotFound("Flow", flow_id)
    return flow


async def _completed(tx: Transaction, flow: FlowCommon) -> FlowMetadata:
    """The metadata of a Flow, with what its Profile says of it."""
    if isinstance(flow, FlowMetadata):
        return flow
    profile = await tx.profiles.get(flow.profile_id or "")
    if profile is None:
        raise Invalid("profile_id", flow.profile_id, "it must be the id of a Profile of this store")
    return profile.flow(flow)


def _with(old: Flow, metadata: FlowMetadata) -> Flow:
    """The Flow with new metadata; what a client leaves out and the server manages is kept."""
    if metadata.source_id != old.source_id:
        raise Invalid(
            "source_id", metadata.source_id, f"Flow {old.id} belongs to Source {old.source_id}"
        )
    return replace(
        old,
        **values_of(FlowMetadata, metadata)
        | {
            "profile_id": profile_after(old, metadata),
            "metadata_version": metadata.metadata_version or old.metadata_version,
            "created_by": old.created_by,
            "updated_by": metadata.updated_by or old.updated_by,
        },
    )


def _first_source(flow: Flow) -> Source:
    """The Source that a first Flow brings with it (statements 41 and 43)."""
    return Source(
        id=flow.source_id,
        format=flow.format,
        label=flow.label,
        description=flow.description,
        tags=flow.tags,
        created_by=flow.created_by,
        updated_by=flow.updated_by,
        created=flow.created,
        updated=flow.created,
    )


def flow_event(kind: EventType, flow: Flow) -> Event:
    """Tell what became of a Flow."""
    return Event(
        type=kind,
        entity_id=flow.id,
        source_id=flow.source_id,
        flow_collected_by=flow.collected_by,
        flow=flow,
    )
