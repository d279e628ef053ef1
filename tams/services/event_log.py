"""The log of events as the services read it: forwards or backwards, through the filters of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from tams.catalogue.base import Catalogue, Transaction
from tams.catalogue.promises.events import Span
from tams.domain.event_filters import EventFilter
from tams.domain.events import WHOLE, Place, PublishedEvent
from tams.domain.storage import Signer, Signers
from tams.errors import Expired

PUBLISHED_AT_ONCE = 1000
"""How many events are numbered in one work."""

_BATCH = 100
"""How many stored events are read in one work: one may hold a hundred Segments."""

_MOST = 1000
"""How many stored events one page looks at, however few of them are wanted."""


async def publish(catalogue: Catalogue) -> None:
    """Number what has happened until now."""

    async def work(tx: Transaction) -> int:
        return await tx.events.publish(PUBLISHED_AT_ONCE)

    # Fewer are the last of what had happened: under load there are always some that come after.
    while await catalogue.write(work) == PUBLISHED_AT_ONCE:
        continue


async def located(tx: Transaction, events: Sequence[PublishedEvent]) -> Sequence[PublishedEvent]:
    """The events with the instances that the Objects of their Segments have now."""
    segments = [segment for one in events for segment in one.event.segments]
    if not segments:
        return events
    found = iter(await tx.segments.located(segments))
    return [
        replace(
            one, event=replace(one.event, segments=tuple(islice(found, len(one.event.segments))))
        )
        for one in events
    ]


class EventQuery(NamedTuple):
    """Which part of the log: what occurred from `since` on and before `until`, in one order.

    `place` is where the page before ended, or where somebody wants to go on.
    """

    place: Place | None = None
    since: datetime | None = None
    until: datetime | None = None
    reverse: bool = False


class Stretch(NamedTuple):
    """What was found of a part of the log, and where to go on; `more` says whether there is more.

    Where there is none yet, what happens later is found from `next` on.
    """

    events: Sequence[PublishedEvent]
    next: Place
    more: bool


class EventLog:
    """Reads events by their places, also while others are logged: none is missed."""

    def __init__(self, catalogue: Catalogue, signers: Signers) -> None:
        self._catalogue = catalogue
        self._signers = signers

    def signer(self, wanted: EventFilter, base_url: str) -> Signer:
        """What makes the URLs that are asked for; the caller reached this server at `base_url`."""
        return self._signers(wanted.url_filter, base_url)

    async def now(self) -> Place:
        """The place behind all that has happened."""
        await self._publish_waiting()

        async def work(tx: Transaction) -> Place:
            return await _end(tx)

        return await self._catalogue.read(work)

    async def list(self, wanted: EventFilter, query: EventQuery, limit: int) -> Stretch:
        """Up to `limit` events that are wanted, among so many that it may be none of them yet.

        Raises `Expired` if what follows the place is not kept any more.
        """
        if query.place is None or not query.reverse:
            await self._publish_waiting()
        found: list[PublishedEvent] = []
        for _ in range(_MOST // _BATCH):
            stretch = await self._look(wanted, query, limit - len(found))
            found += stretch.events
            query = query._replace(place=stretch.next)
            if not stretch.more or len(found) >= limit:
                break
        return stretch._replace(events=found)

    async def go_on(self, wanted: EventFilter, place: Place) -> Stretch:
        """What is wanted of the next stored events; raises `Expired` as `list` does."""
        return await self._look(wanted, EventQuery(place), _BATCH * WHOLE)

    async def oldest(self) -> Place:
        """The place before all that is kept."""

        async def work(tx: Transaction) -> Place:
            return Place(await tx.events.oldest() - 1, WHOLE)

        return await self._catalogue.read(work)

    async def _publish_waiting(self) -> None:
        async def work(tx: Transaction) -> bool:
            return await tx.events.is_waiting()

        if await self._catalogue.read(work):
            await publish(self._catalogue)

    async def _look(self, wanted: EventFilter, query: EventQuery, limit: int) -> Stretch:
        async def work(tx: Transaction) -> Stretch:
            if query.place is not None:
                await _ensure_known(tx, query.place, reverse=query.reverse)
            stored = await tx.events.find(_span(query), _BATCH, reverse=query.reverse)
            parts = _wanted(wanted, stored, query)
            some: Sequence[PublishedEvent] = parts[:limit]
            if wanted.accept_get_urls != ():
                some = await located(tx, some)
            if len(parts) > limit:
                return Stretch(some, some[-1].place, more=True)
            more = len(stored) == _BATCH
            if more or (stored and (query.reverse or query.until is not None)):
                return Stretch(some, stored[-1].place if query.reverse else stored[-1].end, more)
            behind_all = query.place if query.reverse or query.until is not None else None
            return Stretch(some, behind_all or await _end(tx), more=False)

        return await self._catalogue.read(work)


def _wanted(
    wanted: EventFilter, stored: Sequence[PublishedEvent], query: EventQuery
) -> list[PublishedEvent]:
    """The parts that are wanted and lie beyond the place, in the order asked for."""
    found = [part for one in stored for part in _in_order(wanted.of(one), query)]
    if query.place is None:
        return found
    step = query.place.step
    if query.reverse:
        return [part for part in found if part.step < step]
    return [part for part in found if part.step > step]


def _in_order(parts: Sequence[PublishedEvent], query: EventQuery) -> Sequence[PublishedEvent]:
    return parts[::-1] if query.reverse else parts


def _span(query: EventQuery) -> Span:
    """The stored events among which those beyond the place are: that of the place may be one."""
    place, since, until = query.place, query.since, query.until
    if place is None:
        return Span(since=since, until=until)
    if query.reverse:
        return Span(below=place.number + bool(place.part), since=since, until=until)
    return Span(place.number - (place.part < WHOLE), since=since, until=until)


async def _end(tx: Transaction) -> Place:
    number = await tx.events.end()
    last = await tx.events.after(number - 1, 1)
    return last[0].end if last else Place(number, WHOLE)


async def _ensure_known(tx: Transaction, place: Place, *, reverse: bool) -> None:
    """Raise `Expired` if what follows the place is not kept, or the place is of another log."""
    number, oldest = place.number, await tx.events.oldest()
    if not reverse and (number < oldest - 1 or (0 < number == oldest - 1 and place.part < WHOLE)):
        raise Expired(
            f"event {place}: what followed it is not kept any more; the oldest event has the "
            f"number {oldest}"
        )
    there = await tx.events.after(number - 1, 1) if number >= oldest else ()
    is_beyond = number >= oldest and not there
    if is_beyond or (there and place.moment not in (None, there[0].end.moment)):
        raise Expired(f"event {place}: it is not of this log, which was put back in time")
