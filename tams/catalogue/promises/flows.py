"""Flows, as a catalogue keeps them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from tams.domain.flows import Flow, FlowQuery, LockedFlow
from tams.domain.pages import Page, PageRequest
from tams.domain.timerange import TimeRange


class Flows(ABC):
    """Flows, with tags and collections."""

    @abstractmethod
    async def get(self, flow_id: str) -> Flow | None:
        """Return the Flow, whole."""

    @abstractmethod
    async def get_many(self, flow_ids: Sequence[str]) -> Sequence[Flow]:
        """Return those of these Flows that are there, in this order."""

    @abstractmethod
    async def lock(self, flow_id: str) -> LockedFlow | None:
        """Keep all other writers of this Flow out until the work ends."""

    @abstractmethod
    async def lock_collections(self) -> None:
        """Keep all others from changing what any Flow collects until the work ends."""

    @abstractmethod
    async def add(self, flow: Flow) -> None:
        """Store a new Flow; `collected_by` is ignored. A removed id starts empty."""

    @abstractmethod
    async def replace(self, flow: Flow) -> None:
        """Store all of a locked Flow but `created`, `segments_updated` and `collected_by`."""

    @abstractmethod
    async def remove(self, flow: LockedFlow, at: datetime) -> None:
        """Hide a Flow and its Segments at once, whatever their number; what it collects is freed.

        Its rows go by `Segments.remove_slice` and `forget`.
        """

    @abstractmethod
    async def forget(self, key: int) -> None:
        """Drop the last row of a removed Flow that has no Segment row left."""

    @abstractmethod
    async def sources_of(self, flow_ids: Iterable[str]) -> Mapping[str, str]:
        """The Source's id by the Flow's, for those of the ids that are Flows here."""

    @abstractmethod
    async def collected_from(self, flow_ids: Iterable[str]) -> frozenset[str]:
        """These ids and all that their Flows collect, directly or through others."""

    @abstractmethod
    async def timerange(self, flow_id: str, within: TimeRange) -> TimeRange:
        """From the start of the first to the end of the last Segment that overlaps `within`."""

    @abstractmethod
    async def count(self, query: FlowQuery) -> int:
        """How many Flows pass."""

    @abstractmethod
    async def list(self, query: FlowQuery, page: PageRequest) -> Page[Flow]:
        """One page of the Flows that pass, in the order of statements 244 to 249.

        Raises `Invalid` for a page key that is not of such a listing.
        """
