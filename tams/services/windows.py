"""Parts of lists by number, with the number of all items: what the vendor's clients page by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.flows import Flow, FlowQuery
from tams.domain.objects import ObjectFacts
from tams.domain.pages import Page, PageRequest
from tams.domain.segment_ids import segment_id
from tams.domain.segments import Segment, SegmentQuery
from tams.domain.sources import Source, SourceQuery
from tams.domain.storage import Reading, StorageBackend
from tams.domain.tags import Tags
from tams.domain.tuples import made
from tams.services.segment_finding import find_segment
from tams.storage.base import Storage

T = TypeVar("T")
Listing = Callable[[PageRequest], Awaitable[Page[T]]]

_STEP = 1000
URL_LIFE = 3600
"""Seconds for which the URLs of a list are good."""
_READINGS: tuple[Reading, ...] = ("GET", "HEAD")


class Window(NamedTuple):
    """The items from the `offset`-th on, `limit` at most."""

    limit: int
    offset: int = 0


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
    """Lists Sources, Flows and Segments by number; the cost grows with the offset.

    A Segment shows `most_urls` URLs at most, all of them if that is 0.
    """

    def __init__(
        self, catalogue: Catalogue, storages: Mapping[str, Storage], *, most_urls: int
    ) -> None:
        self._catalogue = catalogue
        self._storages = storages
        self._most_urls = most_urls

    async def sources(self, query: SourceQuery, window: Window) -> Windowed[Source]:
        """The Sources that pass, newest first."""

        async def work(tx: Transaction) -> Windowed[Source]:
            async def listing(page: PageRequest) -> Page[Source]:
                return await tx.sources.list(query, page)

            return Windowed(await _within(listing, window), await tx.sources.count(query))

        return await self._catalogue.browse(work)

    async def flows(self, query: FlowQuery, window: Window) -> Windowed[Flow]:
        """The Flows that pass, newest first."""

        async def work(tx: Transaction) -> Windowed[Flow]:
            async def listing(page: PageRequest) -> Page[Flow]:
                return await tx.flows.list(query, page)

            return Windowed(await _within(listing, window), await tx.flows.count(query))

        return await self._catalogue.browse(work)

    async def segments(
        self, base_url: str, flow_id: str, query: SegmentQuery, window: Window
    ) -> Windowed[ShownSegment]:
        """The Segments of a Flow in the order of time; none if there is no such Flow."""

        async def work(tx: Transaction) -> Windowed[ShownSegment]:
            async def listing(page: PageRequest) -> Page[Segment]:
                found = await tx.segments.list(flow_id, query, page)
                return Page([made(Segment, each) for each in found.items], found.next_key)

            segments = await _within(listing, window)
            shown = await self._shown(tx, base_url, flow_id, segments)
            return Windowed(shown, await tx.segments.count(flow_id, query))

        return await self._catalogue.read(work)

    async def named_segments(
        self, base_url: str, flow_id: str, names: Sequence[str]
    ) -> Sequence[ShownSegment]:
        """Some Segments of a Flow, by their ids or their Objects'; raises `NotFound`."""

        async def work(tx: Transaction) -> Sequence[ShownSegment]:
            segments = [await find_segment(tx, flow_id, name) for name in names]
            return await self._shown(tx, base_url, flow_id, segments)

        return await self._catalogue.read(work)

    async def _shown(
        self, tx: Transaction, base_url: str, flow_id: str, segments: Sequence[Segment]
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
                self._urls(base_url, each),
            )
            for each in segments
        ]

    def _urls(self, base_url: str, segment: Segment) -> Sequence[ShownUrl]:
        urls: list[ShownUrl] = []
        for instance in segment.instances:
            if instance.url is not None:
                urls.append(ShownUrl(instance.url, "GET", instance.label, None))
            elif (storage := self._storages.get(instance.storage_id or "")) is not None:
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


async def _within(listing: Listing[T], window: Window) -> Sequence[T]:
    """The items of a window of a listing that is paged by keys."""
    left, key = window.offset, None
    while left:
        page = await listing(PageRequest(min(left, _STEP), key))
        left -= len(page.items)
        key = page.next_key
        if key is None:
            return []
    return (await listing(PageRequest(window.limit, key))).items
