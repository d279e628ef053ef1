"""Parts of lists by number, with the number of all items: what the vendor's clients page by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.clock import Clock
from tams.domain.deletions import DeletionRequest
from tams.domain.flows import Flow, FlowQuery
from tams.domain.objects import ObjectFacts
from tams.domain.pages import Page, PageRequest, Sort
from tams.domain.segment_ids import segment_id
from tams.domain.segments import Segment, SegmentQuery
from tams.domain.sources import Source, SourceQuery
from tams.domain.storage import Reading, StorageBackend, UrlFilter
from tams.domain.tags import TagFilter, Tags
from tams.domain.trash import Shown, Trashed
from tams.domain.tuples import made
from tams.domain.webhooks import Webhook
from tams.services.segment_finding import find_segment
from tams.storage.base import Storage

T = TypeVar("T")
Listing = Callable[[PageRequest], Awaitable[Page[T]]]

_STEP = 1000
URL_LIFE = 3600
"""Seconds for which the URLs of a list are good."""
_READINGS: tuple[Reading, ...] = ("GET", "HEAD")


class Window(NamedTuple):
    """The items from the `offset`-th on, `limit` at most, in an order."""

    limit: int
    offset: int = 0
    reverse: bool = False
    sort: Sort = "created"

    def page(self, limit: int, key: str | None) -> PageRequest:
        """A page of the list that it is a part of."""
        return PageRequest(limit, key, self.reverse, self.sort)


@dataclass(frozen=True, slots=True)
class Windowed(Generic[T]):
    """The items of a window, and how many there are in all."""

    items: Sequence[T]
    total: int


class ShownUrl(NamedTuple):
    """A URL of a Segment's bytes, for one method; `backend` is None for one of somebody else's."""

    url: str
    method: Reading
    label: str | None
    backend: StorageBackend | None


class ShownSegment(NamedTuple):
    """A Segment with its id, tags and URLs, and what is known of its Object's bytes."""

    id: str
    flow_id: str
    segment: Segment
    facts: ObjectFacts
    tags: Tags
    urls: Sequence[ShownUrl]


_UNKNOWN = ObjectFacts(None, None, None)


class Windows:
    """Lists what the vendor's clients list, by number; the cost grows with the offset.

    A Segment shows `most_urls` URLs at most, all of them if that is 0.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        storages: Mapping[str, Storage],
        clock: Clock,
        *,
        most_urls: int,
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._storages = storages
        self._most_urls = most_urls

    async def sources(self, query: SourceQuery, window: Window) -> Windowed[Source]:
        """The Sources that pass, newest first."""

        async def work(tx: Transaction) -> Windowed[Source]:
            listing = partial(tx.sources.list, query)
            return Windowed(await _within(listing, window), await tx.sources.count(query))

        return await self._catalogue.browse(work)

    async def flows(self, query: FlowQuery, window: Window) -> Windowed[Flow]:
        """The Flows that pass, newest first."""

        async def work(tx: Transaction) -> Windowed[Flow]:
            listing = partial(tx.flows.list, query)
            return Windowed(await _within(listing, window), await tx.flows.count(query))

        return await self._catalogue.browse(work)

    async def trashed_sources(
        self, query: SourceQuery, window: Window, shown: Shown
    ) -> Windowed[Trashed[Source]]:
        """Those that were deleted and can be restored, alone or beside the others.

        Raises `Invalid` for filters by tags and collectors.
        """

        async def work(tx: Transaction) -> Windowed[Trashed[Source]]:
            listing = partial(tx.trash.list_sources, query, shown=shown)
            total = await tx.trash.count_sources(query, shown)
            return Windowed(await _within(listing, window), total)

        return await self._catalogue.read(work)

    async def trashed_flows(
        self, query: FlowQuery, window: Window, shown: Shown
    ) -> Windowed[Trashed[Flow]]:
        """The same for Flows, by any filter."""

        async def work(tx: Transaction) -> Windowed[Trashed[Flow]]:
            listing = partial(tx.trash.list_flows, query, shown=shown)
            total = await tx.trash.count_flows(query, shown)
            return Windowed(await _within(listing, window), total)

        return await self._catalogue.read(work)

    async def webhooks(self, tags: TagFilter, window: Window) -> Windowed[Webhook]:
        """The webhooks that pass, by URL."""

        async def work(tx: Transaction) -> Windowed[Webhook]:
            listing = partial(tx.webhooks.list, tags)
            return Windowed(await _within(listing, window), await tx.webhooks.count(tags))

        return await self._catalogue.read(work)

    async def deletion_requests(self, window: Window) -> Windowed[DeletionRequest]:
        """The requests that have not expired."""
        now = self._clock()

        async def work(tx: Transaction) -> Windowed[DeletionRequest]:
            listing = partial(tx.deletions.list, now)
            return Windowed(await _within(listing, window), await tx.deletions.count(now))

        return await self._catalogue.read(work)

    async def segments(
        self,
        base_url: str,
        flow_id: str,
        query: SegmentQuery,
        window: Window,
        urls: UrlFilter,
        *,
        with_object: bool = False,
    ) -> Windowed[ShownSegment]:
        """The Segments of a Flow in the order of time; none if there is no such Flow.

        With `with_object` they know what their Objects cover.
        """

        async def work(tx: Transaction) -> Windowed[ShownSegment]:
            async def listing(page: PageRequest) -> Page[Segment]:
                found = await tx.segments.list(flow_id, query, page, with_object=with_object)
                return Page([made(Segment, each) for each in found.items], found.next_key)

            segments = await _within(listing, window)
            shown = await self._shown(tx, base_url, flow_id, segments, urls)
            return Windowed(shown, await tx.segments.count(flow_id, query))

        return await self._catalogue.read(work)

    async def named_segments(
        self, base_url: str, flow_id: str, names: Sequence[str]
    ) -> Sequence[ShownSegment]:
        """Some Segments of a Flow, by their ids or their Objects'; raises `NotFound`."""

        async def work(tx: Transaction) -> Sequence[ShownSegment]:
            segments = [await find_segment(tx, flow_id, name) for name in names]
            return await self._shown(tx, base_url, flow_id, segments, UrlFilter())

        return await self._catalogue.read(work)

    async def _shown(
        self,
        tx: Transaction,
        base_url: str,
        flow_id: str,
        segments: Sequence[Segment],
        wanted: UrlFilter,
    ) -> Sequence[ShownSegment]:
        facts = await tx.objects.facts({each.object_id for each in segments})
        tags = await tx.segment_tags.get(flow_id, [each.start for each in segments])
        return [
            ShownSegment(
                segment_id(flow_id, each.start),
                flow_id,
                each,
                facts.get(each.object_id, _UNKNOWN),
                tags.get(each.start, {}),
                self._urls(base_url, each, wanted),
            )
            for each in segments
        ]

    def _urls(self, base_url: str, segment: Segment, wanted: UrlFilter) -> Sequence[ShownUrl]:
        urls: list[ShownUrl] = []
        for instance in segment.instances:
            storage = self._storages.get(instance.storage_id or "")
            if instance.url is not None and wanted.accepts_label(instance.label):
                urls.append(ShownUrl(instance.url, "GET", instance.label, None))
            elif storage is not None and _is_wanted(storage.backend, wanted):
                urls += (
                    ShownUrl(
                        storage.sign_for(base_url, instance.key or "", method, URL_LIFE),
                        method,
                        None,
                        storage.backend,
                    )
                    for method in _READINGS
                )
        return urls[: self._most_urls or None]


def _is_wanted(backend: StorageBackend, wanted: UrlFilter) -> bool:
    """Whether URLs of a backend are; all that are shown of it are presigned."""
    return wanted.presigned is not False and wanted.accepts_backend(backend)


async def _within(listing: Listing[T], window: Window) -> Sequence[T]:
    """The items of a window of a listing that is paged by keys."""
    left, key = window.offset, None
    while left:
        page = await listing(window.page(min(left, _STEP), key))
        left -= len(page.items)
        key = page.next_key
        if key is None:
            return []
    return (await listing(window.page(window.limit, key))).items
