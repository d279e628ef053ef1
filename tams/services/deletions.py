"""Deleting Flows and Segments: at once where that is little, else behind the answer."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta

from tams.catalogue.base import Catalogue, Transaction
from tams.catalogue.promises.segments import MAX_SEGMENTS, Extent
from tams.domain.access import Principal
from tams.domain.clock import Clock
from tams.domain.deletions import DeletionRequest
from tams.domain.flows import LockedFlow
from tams.domain.jobs import ClaimedJob, Job, JobKind
from tams.domain.pages import Page, PageRequest
from tams.domain.segments import SegmentQuery
from tams.domain.sources import Source
from tams.domain.timerange import ETERNITY
from tams.errors import NotFound, TamsError
from tams.services.hiding import Dropping, Leaving, hide, lock_leaving
from tams.services.locking import lock_writable
from tams.services.queue import Handler
from tams.services.removal import settle, settle_removed

SLICE = 250
"""How many Segments go in one transaction behind an answer: what a request may have to wait for."""

RETRY = timedelta(minutes=1)
"""When a slice that failed is tried again."""

PATIENCE = timedelta(days=1)
"""How long slices may fail on end before their deletion is given up."""


NoteFlow = Callable[[Transaction, LockedFlow, bool], Awaitable[None]]
"""Told of a Flow that goes, and whether its Source went along."""

NoteSegments = Callable[[Transaction, LockedFlow], Awaitable[None]]
"""Told of a Flow whose Segments are to go."""


class Deletions:
    """Deletes Flows and Segments, and tells how far that is (TAMS 8.2 `/flow-delete-requests`).

    A deletion of more than `threshold` Segments becomes a request, which is shown for `retention`
    after its end; behind the answer, `slice_size` Segments go in one transaction. `url_lifetime` is
    how long a URL that was given out may work: the bytes of an Object that loses its last Segment
    stay until then. By the `prudent` clock is judged what is too old.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        clock: Clock,
        *,
        url_lifetime: timedelta,
        threshold: int,
        retention: timedelta,
        slice_size: int = SLICE,
        prudent: Clock | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._prudent = prudent or clock
        self._url_lifetime = url_lifetime
        self._threshold = threshold
        self._retention = retention
        self._slice_size = slice_size

    @property
    def handlers(self) -> Mapping[JobKind, Handler]:
        """What it does from the queue."""
        return {"remove_flow": self._remove_flow, "delete_segments": self._delete_segments}

    async def get(self, request_id: str) -> DeletionRequest:
        """Return a request; raises `NotFound`, also once it has expired."""

        async def work(tx: Transaction) -> DeletionRequest | None:
            return await tx.deletions.get(request_id, self._clock())

        request = await self._catalogue.read(work)
        if request is None:
            raise NotFound("deletion request", request_id)
        return request

    async def list(self, page: PageRequest) -> Page[DeletionRequest]:
        """One page of the requests that have not expired."""

        async def work(tx: Transaction) -> Page[DeletionRequest]:
            return await tx.deletions.list(self._clock(), page)

        return await self._catalogue.read(work)

    async def expire(self) -> bool:
        """Drop some requests that have expired; False if there is none."""

        async def work(tx: Transaction) -> int:
            return await tx.deletions.expire(self._prudent())

        return await self._catalogue.write(work) > 0

    async def delete_flow(
        self,
        who: Principal,
        flow_id: str,
        note: NoteFlow | None = None,
        *,
        recorded: bool = False,
    ) -> DeletionRequest | None:
        """Delete a Flow: it and its Segments are gone at once, their rows and bytes later.

        Returns a request if there are many Segments, or if it is to be `recorded`. `note` is done
        in the same transaction, and nothing is deleted if it raises. Raises `NotFound` and
        `FlowReadOnly`.
        """

        async def work(tx: Transaction) -> DeletionRequest | None:
            await tx.flows.lock_collections()
            leaving = await lock_leaving(tx, flow_id)
            source = await tx.sources.lock(leaving.flow.source_id)
            went, requests = await self.drop(tx, who, [leaving], source, recorded=recorded)
            if note is not None:
                await note(tx, leaving.locked, went)
            return next(iter(requests), None)

        return await self._catalogue.write(work)

    async def drop(
        self,
        tx: Transaction,
        who: Principal,
        leaving: Sequence[Leaving],
        source: Source | None,
        *,
        always: bool = False,
        recorded: bool = False,
    ) -> tuple[bool, Sequence[DeletionRequest]]:
        """The same for Flows of one Source, all of them locked, within a transaction.

        Returns whether the Source went along, which it does `always` if so, and a request for each
        Flow that has many Segments, or that is to be `recorded`.
        """
        most = -1 if recorded else self._threshold
        now = self._clock()
        went = await hide(tx, who, self._clock, leaving, source, Dropping(now), always=always)
        requests = []
        for locked, _ in leaving:
            whole = SegmentQuery(ETERNITY)
            extent = await tx.segments.extent(locked, whole, max(most, 0) + 1)
            if extent.number > most:
                request = self._request(who, locked, whole, extent, delete_flow=True)
                await tx.deletions.add(request)
                requests.append(request)
        return went, requests

    async def delete_segments(
        self,
        who: Principal,
        flow_id: str,
        query: SegmentQuery,
        note: NoteSegments | None = None,
        *,
        recorded: bool = False,
    ) -> DeletionRequest | None:
        """Delete the Segments that lie completely within the query's timerange.

        Returns a request if they are many, or if it is to be `recorded`: then they go slice by
        slice behind the answer, whatever becomes of `read_only`. `note` is done before anything
        goes, in the first transaction. Raises `NotFound` and `FlowReadOnly`.
        """
        most = -1 if recorded else self._threshold

        async def begin(tx: Transaction) -> tuple[DeletionRequest | None, bool]:
            if note is not None:
                await note(tx, await lock_writable(tx, flow_id))
            return await work(tx)

        async def work(tx: Transaction) -> tuple[DeletionRequest | None, bool]:
            flow = await lock_writable(tx, flow_id)
            extent = await tx.segments.extent(flow, query, max(most, 0) + 1)
            if extent.number > most:
                request = self._request(who, flow, query, extent, delete_flow=False)
                key = await tx.deletions.add(request)
                await tx.jobs.add(Job(kind="delete_segments", subject=key, due=self._clock()))
                return request, False
            now = self._clock()
            deleted = await tx.segments.delete(flow, query, now, MAX_SEGMENTS)
            await settle(tx, flow, deleted, now + self._url_lifetime)
            return None, deleted.rest is not None

        request, goes_on = await self._catalogue.write(begin)
        while goes_on:
            request, goes_on = await self._catalogue.write(work)
        return request

    def _request(
        self,
        who: Principal,
        flow: LockedFlow,
        query: SegmentQuery,
        extent: Extent,
        *,
        delete_flow: bool,
    ) -> DeletionRequest:
        now = self._clock()
        return DeletionRequest(
            id=str(uuid.uuid4()),
            flow_id=flow.id,
            flow_key=flow.key,
            ordinal=flow.ordinal,
            timerange=query.timerange,
            remaining=extent.timerange,
            object_id=query.object_id,
            delete_flow=delete_flow,
            created_by=who.name,
            created=now,
            updated=now,
        )

    async def _remove_flow(self, job: ClaimedJob) -> None:
        """Remove one slice of a Flow that is gone, and queue for the next."""

        async def work(tx: Transaction) -> None:
            now = self._clock()
            requests = await _requests(tx, job)
            deleted = await tx.segments.remove_slice(
                job.subject, self._slice_size, _next_start(requests)
            )
            await settle_removed(tx, job.subject, deleted, now + self._url_lifetime)
            await self._advance(tx, job, requests, deleted.rest)
            if deleted.rest is not None:
                return
            for grave in await tx.trash.let_go_of(job.subject, now):
                await tx.jobs.add(Job(kind="remove_flow", subject=grave, due=now))
            await tx.flows.forget(job.subject)

        await self._try(job, work)

    async def _delete_segments(self, job: ClaimedJob) -> None:
        """Delete one slice; a Flow that was deleted meanwhile takes its Segments along."""

        async def work(tx: Transaction) -> None:
            requests, rest = await _requests(tx, job), None
            for request in requests:
                flow = await tx.flows.lock(request.flow_id)
                if flow is None or flow.key != request.flow_key:
                    continue
                now = self._clock()
                deleted = await tx.segments.delete(
                    flow, request.query, now, self._slice_size, ordinal=request.ordinal
                )
                await settle(tx, flow, deleted, now + self._url_lifetime)
                rest = deleted.rest
            await self._advance(tx, job, requests, rest)

        await self._try(job, work)

    async def _advance(
        self,
        tx: Transaction,
        job: ClaimedJob,
        requests: Sequence[DeletionRequest],
        rest: int | None,
    ) -> None:
        now = self._clock()
        for request in requests:
            await tx.deletions.replace(request.advanced(rest, now, self._retention))
        if rest is None:
            await tx.jobs.finish(job)
        else:
            await tx.jobs.postpone(job, now)

    async def _try(self, job: ClaimedJob, work: Callable[[Transaction], Awaitable[None]]) -> None:
        try:
            await self._catalogue.write(work)
        except Exception as failure:  # whatever it is, the request tells of it
            await self._fail(job, failure)
            raise

    async def _fail(self, job: ClaimedJob, failure: Exception) -> None:
        """Try again later, or give up what has failed for long; the rows of a Flow go some day."""

        async def work(tx: Transaction) -> None:
            now, told = self._clock(), _told(failure)
            requests = await _requests(tx, job)
            given_up = [one for one in requests if self._is_hopeless(one)]
            for request in requests:
                if not request.delete_flow:  # it is counted in the row of the Flow
                    await tx.flows.lock(request.flow_id)
                if request in given_up:
                    after = request.failed(*told, now, self._retention)
                else:
                    after = request.failing(*told, self._prudent())
                await tx.deletions.replace(after)
            if given_up and job.kind == "delete_segments":
                await tx.jobs.finish(job)
            else:
                await tx.jobs.postpone(job, now + RETRY)

        await self._catalogue.write(work)

    def _is_hopeless(self, request: DeletionRequest) -> bool:
        first = request.error
        return first is not None and self._prudent() - first.time >= PATIENCE


async def _requests(tx: Transaction, job: ClaimedJob) -> Sequence[DeletionRequest]:
    """The open request that a job works on, if there is one."""
    if job.kind == "delete_segments":
        request = await tx.deletions.lock(job.subject)
        return () if request is None else (request,)
    return [each for each in await tx.deletions.open_of(job.subject) if each.delete_flow]


def _next_start(requests: Iterable[DeletionRequest]) -> int | None:
    """Where the next slice begins: PostgreSQL is not to walk over all that went before."""
    left = [each.remaining.start for each in requests if each.remaining is not None]
    return min((start for start in left if start is not None), default=None)


def _told(failure: Exception) -> tuple[str, str]:
    """Type and summary of a failure, as clients may see them."""
    if isinstance(failure, TamsError):
        return type(failure).__name__, str(failure)
    return "InternalError", "the server failed; its log says why"
