"""Objects with where on which Flows they are; reserved ids too."""

from __future__ import annotations

from typing import NamedTuple

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.objects import Object, ReservedObject
from tams.domain.pages import PageRequest
from tams.domain.segments import SegmentQuery
from tams.domain.tags import TagFilter
from tams.domain.timerange import ETERNITY, TimeRange
from tams.errors import NotFound

MOST = 1000
"""Of how many Flows it is told."""


class Reference(NamedTuple):
    """That Segments of a Flow refer to an Object, from the first of them to the last."""

    flow_id: str
    timerange: TimeRange


class ReferencedObject(NamedTuple):
    """An Object and its references, in the order of the Flows' ids."""

    object: Object
    references: tuple[Reference, ...]


class ReferencedObjects:
    """Reads Objects, as the vendor's clients know them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def get(self, object_id: str) -> ReferencedObject | ReservedObject:
        """Return an Object that Segments refer to, or a reserved id; raises `NotFound`."""

        async def work(tx: Transaction) -> ReferencedObject | ReservedObject:
            found = await tx.objects.get(object_id)
            if found is not None:
                return ReferencedObject(found, await _references(tx, object_id))
            reserved = await tx.reservations.get(object_id)
            if reserved is None:
                raise NotFound("Object", object_id)
            return reserved

        return await self._catalogue.read(work)


async def _references(tx: Transaction, object_id: str) -> tuple[Reference, ...]:
    flow_ids = await tx.objects.referenced_by(object_id, TagFilter(), PageRequest(MOST))
    query = SegmentQuery(ETERNITY, object_id)
    references = []
    for flow_id in flow_ids.items:
        ends = [
            (await tx.segments.list(flow_id, query, PageRequest(1, reverse=reverse))).items
            for reverse in (False, True)
        ]
        if all(ends):  # none of its own has an initialisation Object
            [(start, *_)], [(_, end, inclusive, *_)] = ends
            references.append(Reference(flow_id, TimeRange(start, end, bool(inclusive))))
    return tuple(references)
