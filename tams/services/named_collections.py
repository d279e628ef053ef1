"""Collections by name, of Flows or of Sources; `services/collections.py` has the standard's."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.access import Principal
from tams.domain.clock import Clock
from tams.domain.events import CollectionEventType, collection_event
from tams.domain.flows import Flow
from tams.domain.named_collections import MAX_MEMBERS, Member, NamedCollection, NewCollection
from tams.domain.pages import Page, PageRequest
from tams.domain.sources import Source
from tams.errors import Conflict, Invalid, NotFound

Fate = Literal["created", "updated", "deleted"]
_TOLD: Mapping[Fate, CollectionEventType] = {
    "created": "collections/created",
    "updated": "collections/updated",
    "deleted": "collections/deleted",
}

_NAMES: dict[Member, str] = {"flow": "Flow", "source": "Source"}


class NamedCollections:
    """Makes, reads, changes and deletes collections that have a label and an id of their own."""

    def __init__(self, catalogue: Catalogue, clock: Clock) -> None:
        self._catalogue = catalogue
        self._clock = clock

    async def get(self, holds: Member, collection_id: str) -> NamedCollection:
        """Return a collection; raises `NotFound`."""

        async def work(tx: Transaction) -> NamedCollection:
            return _found(collection_id, await tx.named_collections.get(holds, collection_id))

        return await self._catalogue.read(work)

    async def list(
        self, holds: Member, label: str | None, page: PageRequest
    ) -> Page[NamedCollection]:
        """One page of the collections of that kind, of one label if that is given."""

        async def work(tx: Transaction) -> Page[NamedCollection]:
            return await tx.named_collections.list(holds, label, page)

        return await self._catalogue.read(work)

    async def flows(self, collection_id: str, page: PageRequest) -> Page[Flow]:
        """One page of the Flows of a collection, in its order; raises `NotFound`."""

        async def work(tx: Transaction) -> Page[Flow]:
            ids = await _member_page(tx, "flow", collection_id, page)
            return Page(await tx.flows.get_many(ids.items), ids.next_key)

        return await self._catalogue.read(work)

    async def sources(self, collection_id: str, page: PageRequest) -> Page[Source]:
        """One page of the Sources of a collection, in its order; raises `NotFound`."""

        async def work(tx: Transaction) -> Page[Source]:
            ids = await _member_page(tx, "source", collection_id, page)
            return Page(await tx.sources.get_many(ids.items), ids.next_key)

        return await self._catalogue.read(work)

    async def add(self, who: Principal, holds: Member, new: NewCollection) -> NamedCollection:
        """Make a collection; raises `Conflict`, and `Invalid` for a member that is not there."""
        now = self._clock()
        collection = NamedCollection(
            id=new.id or str(uuid.uuid4()),
            holds=holds,
            label=new.label,
            description=new.description,
            created_by=who.name,
            updated_by=who.name,
            created=now,
            updated=now,
            member_ids=new.member_ids,
        )

        async def work(tx: Transaction) -> NamedCollection:
            if await tx.named_collections.is_taken(collection.id):
                raise Conflict(f"id: there is a collection {collection.id} already")
            missing = await tx.named_collections.missing(holds, new.member_ids)
            if missing:
                rule = f"each must be the id of a {_NAMES[holds]} that exists here"
                raise Invalid("members", missing[0], rule)
            await _record(tx, "created", collection)
            return collection

        return await self._catalogue.write(work)

    async def remove(self, holds: Member, collection_id: str) -> None:
        """Delete a collection; its members stay. Raises `NotFound`."""

        async def work(tx: Transaction) -> None:
            collection = await tx.named_collections.lock(holds, collection_id)
            await _record(tx, "deleted", _found(collection_id, collection))

        await self._catalogue.write(work)

    async def put_in(
        self, who: Principal, holds: Member, collection_id: str, member_id: str
    ) -> None:
        """Let a collection have a member, which comes last if it is new.

        Raises `NotFound` for a collection or a member that is not there, and `Invalid` where the
        collection is full.
        """

        async def work(tx: Transaction) -> None:
            await self._change(tx, who, holds, collection_id, lambda ids: _with(ids, member_id))

        await self._catalogue.write(work)

    async def take_out(
        self, who: Principal, holds: Member, collection_id: str, member_id: str
    ) -> None:
        """Take a member out of a collection; raises `NotFound`, also if it is in there no more."""

        async def work(tx: Transaction) -> None:
            await self._change(tx, who, holds, collection_id, lambda ids: _without(ids, member_id))

        await self._catalogue.write(work)

    async def of_source(self, source_id: str) -> Sequence[str]:
        """The ids of the collections that a Source is in; raises `NotFound` for the Source."""

        async def work(tx: Transaction) -> Sequence[str]:
            if await tx.sources.get(source_id) is None:
                raise NotFound("Source", source_id)
            return await tx.named_collections.holding("source", source_id)

        return await self._catalogue.read(work)

    async def put_source(
        self, who: Principal, source_id: str, collection_ids: Sequence[str]
    ) -> None:
        """Let a Source be in these collections and no others.

        Raises `NotFound` for the Source, and `Invalid` for a collection that is not there or full.
        """

        async def work(tx: Transaction) -> None:
            if await tx.sources.lock(source_id) is None:
                raise NotFound("Source", source_id)
            before = await tx.named_collections.holding("source", source_id)
            # In the order of their ids, so that two such works do not wait for each other.
            for collection_id in sorted({*before, *collection_ids}):
                change = _with if collection_id in collection_ids else _drop
                put = partial(change, member_id=source_id)
                try:
                    await self._change(tx, who, "source", collection_id, put)
                except NotFound:
                    rule = "each must be the id of a collection of Sources that exists here"
                    raise Invalid("source_collection", collection_id, rule) from None

        await self._catalogue.write(work)

    async def _change(
        self,
        tx: Transaction,
        who: Principal,
        holds: Member,
        collection_id: str,
        change: Callable[[Sequence[str]], Sequence[str]],
    ) -> None:
        old = _found(collection_id, await tx.named_collections.lock(holds, collection_id))
        member_ids = change(old.member_ids)
        if member_ids == old.member_ids:
            return
        new_ids = [each for each in member_ids if each not in old.member_ids]
        for missing in await tx.named_collections.missing(holds, new_ids):
            raise NotFound(_NAMES[holds], missing)
        if len(member_ids) > MAX_MEMBERS:
            raise Invalid("members", len(member_ids), f"there may be at most {MAX_MEMBERS}")
        new = replace(
            old,
            member_ids=tuple(member_ids),
            updated=self._clock(),
            updated_by=who.name or old.updated_by,
        )
        await _record(tx, "updated", new)


async def _record(tx: Transaction, fate: Fate, collection: NamedCollection) -> None:
    """Store and tell what becomes of a collection."""
    match fate:
        case "created":
            await tx.named_collections.add(collection)
        case "updated":
            await tx.named_collections.replace(collection)
        case "deleted":
            await tx.named_collections.remove(collection)
    await tx.events.append(collection_event(_TOLD[fate], collection))


def _found(collection_id: str, collection: NamedCollection | None) -> NamedCollection:
    if collection is None:
        raise NotFound("collection", collection_id)
    return collection


def _with(ids: Sequence[str], member_id: str) -> Sequence[str]:
    return ids if member_id in ids else (*ids, member_id)


def _drop(ids: Sequence[str], member_id: str) -> Sequence[str]:
    return tuple(each for each in ids if each != member_id)


def _without(ids: Sequence[str], member_id: str) -> Sequence[str]:
    if member_id not in ids:
        raise NotFound("member", member_id)
    return _drop(ids, member_id)


async def _member_page(
    tx: Transaction, holds: Member, collection_id: str, page: PageRequest
) -> Page[str]:
    """Some ids of members; the key of the next page is the last id of this one."""
    collection = _found(collection_id, await tx.named_collections.get(holds, collection_id))
    ids = list(collection.member_ids)
    if page.reverse:
        ids.reverse()
    if page.key is not None:
        if page.key not in ids:
            raise Invalid("page", page.key, "it must be the key of a next page of this collection")
        ids = ids[ids.index(page.key) + 1 :]
    kept = ids[: page.limit]
    return Page(kept, kept[-1] if len(ids) > page.limit else None)
