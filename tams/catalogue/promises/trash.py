"""What deletions keep, so that they can be taken back, as a catalogue keeps it.

What a deletion keeps is hidden from every other method, and its id is free; but its Objects are
held as those of living Flows are: none of them is condemned.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from tams.catalogue.promises.segments import Deleted
from tams.domain.flows import CollectionItem, Flow, FlowQuery, LockedFlow
from tams.domain.pages import Page, PageRequest
from tams.domain.segments import Segment, SegmentQuery
from tams.domain.sources import Source, SourceQuery
from tams.domain.trash import Shown, Trashed


class KeptFlow(NamedTuple):
    """A Flow that a deletion keeps, and what it collected."""

    id: str
    collection: tuple[CollectionItem, ...]


class Trash(ABC):
    """What deletions keep; `key` is that of their record."""

    @abstractmethod
    async def bury_flow(
        self, flow: LockedFlow, key: int, at: datetime, items: Sequence[CollectionItem]
    ) -> None:
        """Hide a Flow and its Segments, whatever their number, and keep them for a deletion."""

    @abstractmethod
    async def bury_source(self, source: Source, key: int) -> None:
        """Keep what a Source is; its row is the caller's to remove."""

    @abstractmethod
    async def bury_segments(
        self, flow: LockedFlow, query: SegmentQuery, key: int, at: datetime
    ) -> Deleted:
        """Hide the Segments that lie completely within the query's timerange, and keep them.

        Takes MAX_SEGMENTS at most.
        """

    @abstractmethod
    async def bury_object(self, object_id: str, key: int) -> None:
        """Hide a locked Object that was never registered, and keep its bytes."""

    @abstractmethod
    async def flows(self, key: int) -> Sequence[KeptFlow]:
        """The Flows that a deletion keeps, in the order of their ids."""

    @abstractmethod
    async def source(self, source_id: str, key: int) -> Source | None:
        """A Source as it was kept by that deletion, else as it was last kept by any."""

    @abstractmethod
    async def revive_flows(self, key: int) -> None:
        """Let the Flows that a deletion keeps live again; none of their ids is used."""

    @abstractmethod
    async def drop_source(self, key: int) -> None:
        """Keep the Source no longer that a deletion keeps."""

    @abstractmethod
    async def in_the_way(self, flow: LockedFlow, key: int) -> int:
        """How many Segments that a deletion of this Flow's keeps would overlap those that live."""

    @abstractmethod
    async def revive_segments(self, flow: LockedFlow, key: int, at: datetime) -> Sequence[Segment]:
        """Give a Flow the Segments back that a deletion keeps, as if they were registered now."""

    @abstractmethod
    async def revive_object(self, object_id: str, key: int, expires: datetime) -> bool:
        """Show an Object again that was never registered; it is kept until `expires` at least.

        False if that deletion keeps none.
        """

    @abstractmethod
    async def let_go(self, key: int) -> Sequence[int]:
        """Keep nothing any more of what a deletion keeps; returns the keys of the Flows' rows."""

    @abstractmethod
    async def let_go_of(self, flow_key: int, at: datetime) -> Sequence[int]:
        """The same for every deletion of Segments of a Flow that is gone; they are final.

        Its row is still there: theirs are bound to its deletion.
        """

    @abstractmethod
    async def lock_unregistered(self, object_id: str) -> bool:
        """Whether this is an Object that waits to be registered; then others are kept from it."""

    @abstractmethod
    async def condemn_unregistered(
        self, object_id: str, due: datetime, key: int | None = None
    ) -> None:
        """Condemn an Object that was never registered, and that this deletion keeps, or none.

        Its bytes go at `due`.
        """

    @abstractmethod
    async def flow_ids(self, source_id: str) -> Sequence[str]:
        """The living Flows of a Source, in the order of their ids."""

    @abstractmethod
    async def last_uses(self, flow: LockedFlow, query: SegmentQuery) -> int:
        """How many Objects living Flows would use no more without these Segments.

        Looks at MAX_SEGMENTS at most, and keeps others from their Objects until the work ends.
        """

    @abstractmethod
    async def list_flows(
        self, query: FlowQuery, page: PageRequest, shown: Shown
    ) -> Page[Trashed[Flow]]:
        """One page of the Flows that are kept, alone or beside those that live."""

    @abstractmethod
    async def count_flows(self, query: FlowQuery, shown: Shown) -> int:
        """How many such Flows there are."""

    @abstractmethod
    async def list_sources(
        self, query: SourceQuery, page: PageRequest, shown: Shown
    ) -> Page[Trashed[Source]]:
        """The same for Sources, by label and format alone."""

    @abstractmethod
    async def count_sources(self, query: SourceQuery, shown: Shown) -> int:
        """How many such Sources there are."""
