"""One Segment of a Flow, by its id or by its Object's."""

from __future__ import annotations

from tams.catalogue.base import Transaction
from tams.domain.pages import PageRequest
from tams.domain.segment_ids import segment_start
from tams.domain.segments import Segment, SegmentQuery
from tams.domain.timerange import ETERNITY, TimeRange
from tams.domain.tuples import made
from tams.errors import NotFound


async def find_segment(tx: Transaction, flow_id: str, name: str) -> Segment:
    """The Segment with this id, else the earliest one of the Object with this id.

    Raises `NotFound`.
    """
    start = segment_start(flow_id, name)
    if start is not None:
        query = SegmentQuery(TimeRange(start, start + 1))
        found = await _first(tx, flow_id, query)
        if found is not None and found.start == start:
            return found
    found = await _first(tx, flow_id, SegmentQuery(ETERNITY, name))
    if found is None:
        raise NotFound("Segment", f"{name} of Flow {flow_id}")
    return found


async def _first(tx: Transaction, flow_id: str, query: SegmentQuery) -> Segment | None:
    page = await tx.segments.list(flow_id, query, PageRequest(1))
    return made(Segment, page.items[0]) if page.items else None
