"""Segments that go, within the transaction in which they go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tams.catalogue.base import Transaction
from tams.catalogue.promises.segments import Deleted
from tams.domain.events import Event
from tams.domain.flows import LockedFlow
from tams.domain.segments import NewSegment


async def settle(tx: Transaction, flow: LockedFlow, deleted: Deleted, due: datetime) -> None:
    """Tell of Segments that were deleted; Objects that lost their last one go at `due`."""
    if not deleted.number:
        return
    gone = await tx.objects.condemn(deleted.objects, due)
    event = segments_deleted(flow, deleted)
    await tx.events.append(event)
    await tx.events.append_gone(gone, event, living=True)


def segments_deleted(flow: LockedFlow, deleted: Deleted) -> Event:
    """Tell where Segments were."""
    return Event(
        type="flows/segments_deleted",
        entity_id=flow.id,
        source_id=flow.source_id,
        timerange=deleted.timerange,
    )


async def settle_removed(tx: Transaction, flow_key: int, deleted: Deleted, due: datetime) -> None:
    """The same for a Flow or a grave that is gone, of whose Segments was told already."""
    gone = await tx.objects.condemn(deleted.objects, due)
    farewell = await tx.events.farewell(flow_key) if gone else None
    if farewell is not None:
        await tx.events.append_gone(gone, farewell.event, living=farewell.living)


async def make_way(
    tx: Transaction, flow: LockedFlow, posts: Sequence[NewSegment], now: datetime, due: datetime
) -> bool:
    """Delete what new Segments meet of those that are to be deleted anyway.

    False if there was more of it than one work may delete: another one goes on.
    """
    requests = await tx.deletions.open_of(flow.key)
    deleted = await tx.segments.make_way(flow, posts, requests, now)
    await settle(tx, flow, deleted, due)
    return deleted.rest is None or not deleted.number
