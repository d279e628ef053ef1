"""What the store holds in numbers, as a catalogue finds them.

What is gone counts no more from that moment on. All comes in slices, so that no question takes
long in a store of any size; a slice is of one moment.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime

from tams.catalogue.promises.inspection import Slice
from tams.domain.analytics import (
    AnalyticsQuery,
    CountedFlow,
    ReadObject,
    StoredObjects,
    TimedFlow,
)
from tams.domain.rollups import Span, Weight


class Analytics(ABC):
    """Numbers of Flows, Segments and Objects."""

    @abstractmethod
    async def flows(self, query: AnalyticsQuery, after: int, limit: int) -> Sequence[CountedFlow]:
        """The next Flows in the order of their keys; the query's times are of their creation."""

    @abstractmethod
    async def timed_flows(
        self, query: AnalyticsQuery, after: int, limit: int
    ) -> Sequence[TimedFlow | int]:
        """The same, whatever the query's times; of a Flow without Segments the key alone."""

    @abstractmethod
    async def spans(self, flow_key: int, low: int, high: int, limit: int) -> Sequence[Span]:
        """The first Segments of a Flow that start at `low` or later, and before `high`."""

    @abstractmethod
    async def weight(self) -> Weight:
        """What all Flows refer to that are counted, each by itself."""

    @abstractmethod
    async def weight_of(self, flow_key: int) -> Weight:
        """What one Flow refers to, asked of its Segments."""

    @abstractmethod
    async def apart(self, after: int, limit: int) -> tuple[Weight, int | None]:
        """What the next Objects add to the weight of all Flows, so that each counts once.

        That is negative where Flows share them. With it comes the key of the last; None at the end.
        """

    @abstractmethod
    async def objects(self, part: Slice, query: AnalyticsQuery, limit: int) -> StoredObjects:
        """Those of a slice of Objects that pass and are referred to by a Flow that does.

        The query's times are of their creation; `limit` is how many are named.
        """

    @abstractmethod
    async def most_read(self, limit: int) -> Sequence[ReadObject]:
        """The Objects that were read most often, of those that were read."""

    @abstractmethod
    async def least_read(self, limit: int) -> Sequence[ReadObject]:
        """Those of them that were read least often."""

    @abstractmethod
    async def never_read(self, part: Slice, limit: int) -> Sequence[ReadObject]:
        """Those of a slice of Objects that were never read, the oldest first."""

    @abstractmethod
    async def oldest(self) -> datetime | None:
        """When the first of the Objects was made that are there."""

    @abstractmethod
    async def numbers(self, now: datetime) -> Mapping[str, int]:
        """How many Sources, Flows, Profiles, webhooks and deletion requests there are."""

    @abstractmethod
    async def segments(self) -> int:
        """How many Segments the Flows have that are counted."""

    @abstractmethod
    async def uncounted(self) -> Sequence[int]:
        """The keys of Flows whose rows do not count."""

    @abstractmethod
    async def count(self, flow_key: int) -> None:
        """Have the row of such a Flow count; it reads all its Segments under the Flow's lock."""
