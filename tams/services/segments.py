"""What clients may do with the Segments of a Flow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from tams.catalogue.base import Catalogue, Transaction
from tams.catalogue.promises.segments import MAX_SEGMENTS
from tams.domain import events
from tams.domain.access import Principal
from tams.domain.clock import Clock
from tams.domain.events import Event
from tams.domain.flows import LockedFlow
from tams.domain.pages import Page, PageRequest
from tams.domain.registration import Accepted, Decision, decide, screen
from tams.domain.segments import NewSegment, PlainSegment, Refusal, Segment, SegmentQuery
from tams.domain.storage import Signer, Signers, UrlFilter
from tams.services.locking import container_of, lock_writable
from tams.services.removal import make_way
from tams.services.uploads import Uploads


class SegmentPage(NamedTuple):
    """A page of Segments, and what turns the places of their Objects into URLs."""

    page: Page[PlainSegment]
    signer: Signer


class Segments:
    """Registers and lists Segments (TAMS 8.2 `/flows/{flowId}/segments`).

    `url_lifetime` is how long a URL that was given out may work: the bytes of an Object that
    loses its last Segment stay until then. With `uploads`, an Object is only registered once its
    bytes are there.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        signers: Signers,
        clock: Clock,
        *,
        backend_labels: frozenset[str],
        url_lifetime: timedelta,
        uploads: Uploads | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._signers = signers
        self._clock = clock
        self._backend_labels = backend_labels
        self._url_lifetime = url_lifetime
        self._uploads = uploads

    async def add(
        self, who: Principal, flow_id: str, posts: Sequence[NewSegment]
    ) -> Sequence[Refusal]:
        """Register Segments, and return those that were refused; the others are durable.

        More than MAX_SEGMENTS take several works, in order; after an error between two of them
        the same request may be sent again. Raises `NotFound`, `FlowReadOnly`, and `Invalid` if
        the Flow has no container; with `uploads`, `StorageFailed` too.
        """
        del who
        passed, refused = screen(posts)
        if self._uploads is not None:
            passed, missing = await self._uploads.screen(passed)
            refused += missing
        for start in range(0, max(len(passed), 1), MAX_SEGMENTS):
            refused += await self._add(flow_id, passed[start : start + MAX_SEGMENTS])
        return refused

    async def _add(self, flow_id: str, posts: Sequence[NewSegment]) -> Sequence[Refusal]:
        async def work(tx: Transaction) -> Sequence[Refusal] | None:
            flow = await lock_writable(tx, flow_id)
            container_of(flow)
            if not posts:
                return ()
            now = self._clock()
            if flow.deletions and not await make_way(
                tx, flow, posts, now, now + self._url_lifetime
            ):
                return None
            survey = await tx.segments.survey(flow, posts)
            decision = decide(flow, posts, survey, self._backend_labels)
            if decision.accepted:
                await tx.segments.add(flow, decision.accepted, now)
                await tx.events.append(*segments_added(flow, decision))
            return decision.refused

        while (refused := await self._catalogue.write(work)) is None:
            continue
        return refused

    async def list(
        self,
        base_url: str,
        flow_id: str,
        query: SegmentQuery,
        page: PageRequest,
        urls: UrlFilter,
        *,
        with_object: bool = False,
    ) -> SegmentPage:
        """One page in the order of time; empty if there is no such Flow (statement 133).

        `base_url` is where the caller reached this server; with `with_object` the page says what
        the Objects cover.
        """

        async def work(tx: Transaction) -> Page[PlainSegment]:
            return await tx.segments.list(
                flow_id, query, page, with_places=not urls.is_none, with_object=with_object
            )

        return SegmentPage(await self._catalogue.read(work), self._signers(urls, base_url))


def segments_restored(flow: LockedFlow, segments: Sequence[Segment]) -> Iterator[Event]:
    """Tell of Segments that came back, with their Objects, some in each event."""
    for start in range(0, len(segments), events.MAX_SEGMENTS):
        some = tuple(segments[start : start + events.MAX_SEGMENTS])
        yield Event(
            type="flows/segments_added",
            entity_id=flow.id,
            source_id=flow.source_id,
            segments=some,
            reused=tuple(range(len(some))),
        )


def segments_added(flow: LockedFlow, decision: Decision) -> Iterator[Event]:
    """Tell of new Segments, some in each event."""
    for start in range(0, len(decision.accepted), events.MAX_SEGMENTS):
        some = decision.accepted[start : start + events.MAX_SEGMENTS]
        reused, first_inits = _marks(some, max(0, decision.plain - start))
        yield Event(
            type="flows/segments_added",
            entity_id=flow.id,
            source_id=flow.source_id,
            segments=tuple([each.segment for each in some]),
            reused=reused,
            first_inits=first_inits,
        )


def _marks(some: Sequence[Accepted], first: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which Segments, from the first that is not plain on, brought no Object, or an init Object."""
    reused, first_inits = [], []
    for place, (_, known, _, init) in enumerate(some[first:], first):
        if known is not None and known.state != "allocated":
            reused.append(place)
        if init is not None and init.state == "allocated":
            first_inits.append(place)
    return tuple(reused), tuple(first_inits)
