"""What was deleted, when and by whom, as a catalogue keeps it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import NamedTuple

from tams.domain.flows import LockedFlow
from tams.domain.pages import Page, PageRequest
from tams.domain.trash import Affected, DeletedKind, DeletionRecord, RecordState


class Kept(NamedTuple):
    """A deletion that can be taken back; `key` is the catalogue's own."""

    key: int
    record: DeletionRecord


class DeletionRecords(ABC):
    """The records of deletions, which stay."""

    @abstractmethod
    async def add(self, record: DeletionRecord) -> int:
        """Store a new record, and return its key."""

    @abstractmethod
    async def list(self, page: PageRequest) -> Page[DeletionRecord]:
        """One page of the records, by when something was deleted.

        Raises `Invalid` for a page key that is not of such a listing.
        """

    @abstractmethod
    async def describe(self, key: int, affected: Affected) -> None:
        """Store what went along, where that turned out after `add`."""

    @abstractmethod
    async def lock(self, kind: DeletedKind, entity_id: str) -> Kept | None:
        """The latest deletion of this that can be taken back, kept from others until the end."""

    @abstractmethod
    async def lock_segments(self, flow: LockedFlow) -> Kept | None:
        """The same for a deletion of Segments of this Flow, and not of one that had its id."""

    @abstractmethod
    async def lock_oldest(self, before: datetime) -> Kept | None:
        """The oldest deletion before that moment that can be taken back and that nobody holds."""

    @abstractmethod
    async def settle(self, kept: Kept, state: RecordState, at: datetime) -> None:
        """Store what became of a deletion that could be taken back."""

    @abstractmethod
    async def holder(self, kind: DeletedKind, entity_id: str) -> DeletionRecord | None:
        """The latest deletion that keeps this Source or Flow, of whatever kind it is."""
