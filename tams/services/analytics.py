"""What the store holds in numbers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from functools import partial
from heapq import nlargest, nsmallest

from tams.catalogue.base import Catalogue, Transaction
from tams.catalogue.promises.inspection import Slice
from tams.domain.analytics import (
    AnalyticsQuery,
    CountedFlow,
    FlowUsage,
    ReadObject,
    StorageUsage,
    StoredObjects,
    TimedFlow,
    TimeRanges,
    timeline,
)
from tams.domain.clock import Clock
from tams.domain.rollups import Rollup, Span, Weight, total
from tams.domain.timerange import LIMIT
from tams.errors import Busy
from tams.services.slices import SLICE, Slices

PAGE = 1000
"""How many Flows are read at a time."""
LISTED = 10
"""How many Objects are named that were read most often, or least."""
RECOUNT = timedelta(hours=1)
"""After how long it is looked again for rows that do not count."""
ALL = AnalyticsQuery()
_LOW, _HIGH = -LIMIT - 1, LIMIT + 2


class Analytics:
    """Counts what is there. Rows of Flows say most of it; the rest is read in slices.

    Each slice is of one moment, and others are served between two of them: of a store that is
    written to meanwhile, not all numbers are of the same moment.
    """

    def __init__(self, catalogue: Catalogue, clock: Clock, slice_size: int = SLICE) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._slices = Slices(catalogue, slice_size, lambda _thing, _done: None)
        self._slice_size = slice_size
        self._all_counted_at: datetime | None = None
        self._uncountable: set[int] = set()

    def usage(self) -> FlowUsage:
        """What Flows are added to as they come."""
        return FlowUsage(self._clock())

    async def flows(self, query: AnalyticsQuery) -> AsyncIterator[Sequence[CountedFlow]]:
        """The Flows that pass, some at a time, each with its numbers."""
        after = 0
        while page := await self._catalogue.read(partial(_flows, query=query, after=after)):
            yield [flow if flow.weight is not None else await self._counted(flow) for flow in page]
            after = page[-1].key
            await asyncio.sleep(0)

    async def storage(self, query: AnalyticsQuery) -> StorageUsage:
        """The Objects that pass, each once; with a filter, all Objects are looked at."""
        return await (self._whole_storage() if query == ALL else self._filtered_storage(query))

    async def time_ranges(self, query: AnalyticsQuery) -> TimeRanges:
        """The Segments of the Flows that pass; those that start within the query's times."""
        found = TimeRanges()
        low = _LOW if query.start is None else max(timeline(query.start), _LOW)
        high = _HIGH if query.end is None else min(timeline(query.end), _HIGH)
        after = 0
        while page := await self._catalogue.read(partial(_timed_flows, query=query, after=after)):
            for flow in page:
                if isinstance(flow, TimedFlow):
                    await self._time(found, flow, low, high)
            after = flow.key if isinstance(flow, TimedFlow) else flow
            await asyncio.sleep(0)
        return found

    async def summary(self) -> Mapping[str, int]:
        """How many there are of each noun."""
        now = self._clock()

        async def read(tx: Transaction) -> tuple[Mapping[str, int], int, Sequence[int]]:
            analytics = tx.analytics
            segments = await analytics.segments()
            return await analytics.numbers(now), segments, await analytics.uncounted()

        numbers, segments, uncounted = await self._catalogue.read(read)
        for key in uncounted:
            segments += (await self._rollup(key)).segments
        objects = (await self._stored())[0].objects
        return {**numbers, "segments": segments, "objects": objects}

    async def count_some(self) -> bool:
        """Have the row of one more Flow count that does not; False if all do.

        Such rows come from earlier versions and from repairs, so it is seldom looked for them.
        """
        last, now = self._all_counted_at, self._clock()
        if last is not None and now - last < RECOUNT:
            return False
        keys = set(await self._catalogue.read(lambda tx: tx.analytics.uncounted()))
        key = next(iter(keys - self._uncountable), None)
        if key is None:
            self._all_counted_at = now
            return False
        self._uncountable.add(key)
        with suppress(Busy):  # its Segments are too many for one work: then they are read each time
            await self._catalogue.write(lambda tx: tx.analytics.count(key))
            self._uncountable.discard(key)
        return True

    async def _counted(self, flow: CountedFlow) -> CountedFlow:
        weight = await self._catalogue.read(lambda tx: tx.analytics.weight_of(flow.key))
        rollup = await self._rollup(flow.key)
        return flow._replace(segments=rollup.segments, weight=weight)

    async def _rollup(self, key: int) -> Rollup:
        found = TimeRanges()
        await self._scan(found, key, _LOW, _HIGH)
        return found.rollup

    async def _time(self, found: TimeRanges, flow: TimedFlow, low: int, high: int) -> None:
        rollup = flow.rollup
        inside = low <= flow.first_start and flow.last_start < high
        if not inside or rollup is None or rollup.durations is None:
            await self._scan(found, flow.key, low, high)
            return
        found.rollup.merge(rollup)
        found.reach(flow.first_start, flow.last_end)

    async def _scan(self, found: TimeRanges, key: int, low: int, high: int) -> None:
        """Count the Segments one by one."""

        async def read(tx: Transaction) -> Sequence[Span]:
            return await tx.analytics.spans(key, low, high, self._slice_size)

        while spans := await self._catalogue.read(read):
            found.rollup.add([start for start, _ in spans], [end for _, end in spans])
            found.reach(spans[0][0], spans[-1][1])
            low = spans[-1][0] + 1
            await asyncio.sleep(0)

    async def _whole_storage(self) -> StorageUsage:
        stored, used = await self._stored()

        async def read(
            tx: Transaction,
        ) -> tuple[Sequence[ReadObject], Sequence[ReadObject], datetime | None]:
            analytics = tx.analytics
            most = await analytics.most_read(LISTED)
            return most, await analytics.least_read(LISTED), await analytics.oldest()

        most, least, oldest = await self._catalogue.read(read)
        least = [*await self._never_read(), *least][:LISTED]
        return StorageUsage(stored, used.bytes, self._days_since(oldest), most, least)

    async def _never_read(self) -> Sequence[ReadObject]:
        """Some of the Objects that were never read; where all were, all are looked at."""
        found: list[ReadObject] = []
        async with aclosing(self._slices.of("Objects")) as parts:
            async for part in parts:
                found += await self._catalogue.read(partial(_never_read, part=part))
                if len(found) >= LISTED:
                    break
                await asyncio.sleep(0)
        return found

    async def _stored(self) -> tuple[Weight, Weight]:
        """What all Objects weigh, each once; and what the Flows do, each by itself."""

        async def read(tx: Transaction) -> tuple[Weight, Sequence[int]]:
            return await tx.analytics.weight(), await tx.analytics.uncounted()

        used, uncounted = await self._catalogue.read(read)
        for key in uncounted:
            weight = await self._catalogue.read(partial(_weight_of, key=key))
            used = total((used, weight))
        stored, after = used, 0
        while True:
            more, last = await self._catalogue.read(partial(_apart, after=after))
            if last is None:
                return stored, used
            stored, after = total((stored, more)), last
            await asyncio.sleep(0)

    async def _filtered_storage(self, query: AnalyticsQuery) -> StorageUsage:
        found, oldest = StorageUsage(), None
        async for part in self._slices.of("Objects"):
            some = await self._catalogue.read(partial(_objects, part=part, query=query))
            found.weight = total((found.weight, some.weight))
            found.most = nlargest(LISTED, (*found.most, *some.most), key=_accesses)
            found.least = nsmallest(LISTED, (*found.least, *some.least), key=_accesses)
            oldest = min(filter(None, (oldest, some.oldest)), default=None)
            await asyncio.sleep(0)
        found.days = self._days_since(oldest)
        return found

    def _days_since(self, moment: datetime | None) -> float:
        return 0 if moment is None else (self._clock() - moment) / timedelta(days=1)


async def _flows(tx: Transaction, query: AnalyticsQuery, after: int) -> Sequence[CountedFlow]:
    return await tx.analytics.flows(query, after, PAGE)


async def _timed_flows(
    tx: Transaction, query: AnalyticsQuery, after: int
) -> Sequence[TimedFlow | int]:
    return await tx.analytics.timed_flows(query, after, PAGE)


async def _weight_of(tx: Transaction, key: int) -> Weight:
    return await tx.analytics.weight_of(key)


async def _apart(tx: Transaction, after: int) -> tuple[Weight, int | None]:
    return await tx.analytics.apart(after, PAGE)


async def _never_read(tx: Transaction, part: Slice) -> Sequence[ReadObject]:
    return await tx.analytics.never_read(part, LISTED)


async def _objects(tx: Transaction, part: Slice, query: AnalyticsQuery) -> StoredObjects:
    return await tx.analytics.objects(part, query, LISTED)


def _accesses(one: ReadObject) -> int:
    return one.accesses
