"""A catalogue to which steps are done, what its rows of Flows count, and the same counted anew."""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st

from tams.domain.analytics import AnalyticsQuery
from tams.domain.deletions import DeletionRequest
from tams.domain.flows import FlowQuery
from tams.domain.objects import Access, Instance
from tams.domain.pages import PageRequest
from tams.domain.registration import decide
from tams.domain.rollups import HOUR, MOST_DURATIONS, Rollup, total, weigh
from tams.domain.segments import NewSegment, SegmentQuery
from tams.domain.timerange import ETERNITY, SECOND, TimeRange
from tests.catalogue.building import (
    NOON,
    add_flows,
    allocate,
    at,
    get_object,
    make_flow,
    make_record,
    new_id,
    page_of,
    remove_flow,
)

FLOWS, OBJECTS = 3, 5
ELSEWHERE = Instance(url="https://media.example/object", label="elsewhere")
ANY_FLOW, ANY_OBJECT = st.integers(0, FLOWS - 1), st.integers(0, OBJECTS - 1)
SPAN = st.tuples(
    st.integers(-4, 6).map(lambda hours: hours * HOUR // 2), st.sampled_from([1, SECOND, HOUR])
)
SPANS = st.lists(st.tuples(ANY_OBJECT, SPAN), min_size=1, max_size=4)
STEP = st.one_of(
    st.tuples(st.just("post"), ANY_FLOW, SPANS),
    st.tuples(st.just("post"), ANY_FLOW, SPANS),
    st.tuples(st.just("replace"), ANY_FLOW, SPANS),
    st.tuples(st.just("delete"), ANY_FLOW, SPAN, st.integers(1, 4)),
    st.tuples(st.just("drop"), ANY_FLOW, ANY_OBJECT),
    st.tuples(st.just("recreate"), ANY_FLOW),
    st.tuples(st.just("clean")),
    st.tuples(st.just("bury"), ANY_FLOW, SPAN),
    st.tuples(st.just("revive"), ANY_FLOW),
    st.tuples(st.just("measure"), ANY_OBJECT, st.sampled_from([0, 5, 2**20, 2**28, 2**33])),
    st.tuples(st.just("read"), ANY_OBJECT, st.integers(1, 9)),
)


class Store:
    """A catalogue to which steps are done; each refusal of it is as good as a success.

    Any number of writers may do them at once.
    """

    def __init__(self, catalogue, tag):
        self.catalogue = catalogue
        self.flows = [make_flow() for _ in range(FLOWS)]
        self.objects = [f"{tag}-{number}" for number in range(OBJECTS)]
        self.gone = []
        self.buried = [[] for _ in range(FLOWS)]

    async def begin(self):
        await add_flows(self.catalogue, *self.flows)
        # Those of even numbers are allocated, the others are brought by whoever needs them first.
        await allocate(self.catalogue, self.flows[0].id, *self.objects[::2])

    async def end(self):
        for flow in self.flows:
            await remove_flow(self.catalogue, flow.id)

    async def do(self, kind, *how):
        await getattr(self, f"do_{kind}")(*how)

    async def do_post(self, number, spans, *, replacing=False):
        posts = [
            NewSegment(object_id=self.objects[one], timerange=TimeRange(start, start + length))
            for one, (start, length) in spans
        ]

        async def work(tx, flow):
            if replacing:
                deleted = await tx.segments.make_way(flow, posts, [_all_of(flow)], at(1))
                await tx.objects.condemn(deleted.objects, at(2))
            for some in (posts, [one._replace(get_urls=(ELSEWHERE,)) for one in posts]):
                decision = decide(flow, some, await tx.segments.survey(flow, some), frozenset())
                await tx.segments.add(flow, decision.accepted, at(3))

        await self._locked(number, work)

    async def do_replace(self, number, spans):
        await self.do_post(number, spans, replacing=True)

    async def do_delete(self, number, span, limit):
        start, length = span
        query = SegmentQuery(TimeRange(start, start + 4 * HOUR + length))
        await self._delete(number, query, limit)

    async def do_drop(self, number, one):
        await self._delete(number, SegmentQuery(ETERNITY, self.objects[one]), 1000)

    async def do_recreate(self, number):
        async def work(tx, flow):
            await tx.flows.remove(flow, NOON)
            return flow.key

        key = await self._locked(number, work)
        if key is not None:
            self.gone.append(key)
            await add_flows(self.catalogue, self.flows[number])

    async def do_clean(self):
        gone, self.gone = self.gone, []

        async def work(tx):
            for key in gone:
                deleted = await tx.segments.remove_slice(key)
                await tx.objects.condemn(deleted.objects, at(2))
                await tx.flows.forget(key)
            jobs = await tx.jobs.claim(at(10), at(20), ("remove_object",), 100)
            await tx.objects.forget([job.subject for job in jobs])
            await tx.jobs.finish(*jobs)

        await self.catalogue.write(work)

    async def do_bury(self, number, span):
        start, length = span
        query = SegmentQuery(TimeRange(start, start + 2 * HOUR + length))

        async def work(tx, flow):
            key = await tx.records.add(make_record(flow.id, kind="segments"))
            await tx.trash.bury_segments(flow, query, key, at(5))
            return key

        key = await self._locked(number, work)
        if key is not None:
            self.buried[number].append(key)

    async def do_revive(self, number):
        if not self.buried[number]:
            return
        key = self.buried[number].pop()

        async def work(tx, flow):
            if not await tx.trash.in_the_way(flow, key):
                await tx.trash.revive_segments(flow, key, at(6))

        await self._locked(number, work)

    async def do_measure(self, one, size):
        sizes = {self.objects[one]: size, "unknown": 5}
        await self.catalogue.write(lambda tx: tx.objects.measure(sizes))

    async def do_read(self, one, times):
        reads = {self.objects[one]: Access(times, NOON), "unknown": Access(1, NOON)}
        await self.catalogue.write(lambda tx: tx.objects.read(reads))

    async def _delete(self, number, query, limit):
        async def work(tx, flow):
            deleted = await tx.segments.delete(flow, query, at(4), limit)
            await tx.objects.condemn(deleted.objects, at(5))

        await self._locked(number, work)

    async def _locked(self, number, work):
        """Do it to a locked Flow; not at all if another writer has just removed that."""

        async def locked(tx):
            flow = await tx.flows.lock(self.flows[number].id)
            return None if flow is None else await work(tx, flow)

        return await self.catalogue.write(locked)


def _all_of(flow):
    return DeletionRequest(
        id=new_id(),
        flow_id=flow.id,
        flow_key=flow.key,
        ordinal=flow.ordinal,
        timerange=ETERNITY,
        remaining=ETERNITY,
        object_id=None,
        delete_flow=False,
        created_by=None,
        created=NOON,
        updated=NOON,
    )


async def counted(catalogue):
    """What the rows of Flows say, by the Flow's id; and of all Objects, each once."""

    async def work(tx):
        flows = await tx.analytics.flows(AnalyticsQuery(), 0, 1000)
        timed = await tx.analytics.timed_flows(AnalyticsQuery(), 0, 1000)
        rollups = {one.key: one.rollup for one in timed if not isinstance(one, int)}
        weight = await tx.analytics.weight()
        more, _ = await tx.analytics.apart(0, 1000)
        assert await tx.analytics.segments() == sum(one.segments for one in flows)
        found = {
            one.id: (one.segments, rollups.get(one.key, Rollup()), one.weight) for one in flows
        }
        return found, total((weight, more))

    return await catalogue.read(work)


async def recounted(catalogue):
    """The same from the Segments and Objects that can be read."""
    page = await catalogue.read(lambda tx: tx.flows.list(FlowQuery(), PageRequest(1000)))
    segments = {
        flow.id: (await page_of(catalogue, flow.id, limit=1000)).items for flow in page.items
    }
    used = {flow_id: {one.object_id for one in some} for flow_id, some in segments.items()}
    weights = {}
    for object_id in set().union(*used.values()):
        found = await get_object(catalogue, object_id)
        weights[object_id] = weigh(found.size, found.access_count)
    each = {
        flow_id: (
            len(some),
            _rollup([(one.start, one.end) for one in some]),
            total(weights[object_id] for object_id in used[flow_id]),
        )
        for flow_id, some in segments.items()
    }
    return each, total(weights.values())


def _rollup(spans):
    found = Rollup(len(spans), sum(end - start for start, end in spans))
    durations = Counter(end - start for start, end in spans)
    found.durations = dict(durations) if len(durations) <= MOST_DURATIONS else None
    for start, _ in spans:
        found.hours[start // HOUR % 24] += 1
        found.days[(start // (24 * HOUR) + 3) % 7] += 1
    return found
