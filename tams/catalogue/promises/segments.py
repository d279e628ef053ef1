"""Segments, as a catalogue keeps them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from tams.domain.deletions import DeletionRequest
from tams.domain.flows import LockedFlow
from tams.domain.pages import Page, PageRequest
from tams.domain.registration import Accepted, Survey
from tams.domain.segments import NewSegment, PlainSegment, Segment, SegmentQuery
from tams.domain.timerange import TimeRange

MAX_SEGMENTS = 1000
"""How many Segments one work may add or delete."""


class Extent(NamedTuple):
    """How many Segments there are, and from where to where they reach."""

    number: int
    timerange: TimeRange


class Deleted(NamedTuple):
    """Segments that were deleted: how many, from where to where, and the keys of their Objects.

    `rest` is where the first Segment begins at which the work did not look; None if there is none.
    """

    number: int
    timerange: TimeRange
    objects: tuple[int, ...]
    rest: int | None = None


class Segments(ABC):
    """The Segments of each Flow, which never overlap."""

    @abstractmethod
    async def survey(self, flow: LockedFlow, posts: Sequence[NewSegment]) -> Survey:
        """Lock the Objects that are named, and find the neighbours of the Segments.

        Takes MAX_SEGMENTS screened ones at most.
        """

    @abstractmethod
    async def add(self, flow: LockedFlow, accepted: Sequence[Accepted], at: datetime) -> None:
        """Insert surveyed Segments, register their Objects, and set `segments_updated`."""

    @abstractmethod
    async def list(
        self,
        flow_id: str,
        query: SegmentQuery,
        page: PageRequest,
        *,
        with_places: bool = True,
        with_object: bool = True,
    ) -> Page[PlainSegment]:
        """One page in the order of time; empty if there is no such Flow.

        Without places, no Segment says where its bytes lie, and without object, what its Object
        covers: to read them takes time.
        The cost depends on the page, not on the Flow. Raises `Invalid` for a foreign page key.
        """

    @abstractmethod
    async def count(self, flow_id: str, query: SegmentQuery) -> int:
        """How many Segments such a listing has in all; the cost grows with their number."""

    @abstractmethod
    async def located(self, segments: Sequence[Segment]) -> Sequence[Segment]:
        """These Segments with the instances that their Objects have now, if they are there."""

    @abstractmethod
    async def extent(self, flow: LockedFlow, query: SegmentQuery, most: int) -> Extent:
        """The Segments that lie completely within the query's timerange, counted up to `most`."""

    @abstractmethod
    async def delete(
        self,
        flow: LockedFlow,
        query: SegmentQuery,
        at: datetime,
        limit: int = MAX_SEGMENTS,
        *,
        ordinal: int | None = None,
    ) -> Deleted:
        """Look at the first `limit` Segments that lie completely within the query's timerange.

        Those go that were registered at the Flow's `ordinal` or before; None takes all.
        """

    @abstractmethod
    async def make_way(
        self,
        flow: LockedFlow,
        posts: Sequence[NewSegment],
        requests: Sequence[DeletionRequest],
        at: datetime,
        limit: int = MAX_SEGMENTS,
    ) -> Deleted:
        """Delete those Segments that overlap `posts` and that a deletion request is to take.

        Looks at no more than `limit`.
        """

    @abstractmethod
    async def remove_slice(
        self, key: int, limit: int = MAX_SEGMENTS, start: int | None = None
    ) -> Deleted:
        """Delete the first `limit` Segments of a removed Flow, of those at `start` or later."""
