"""Sources, as a catalogue keeps them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from tams.domain.pages import Page, PageRequest
from tams.domain.sources import Source, SourceMember, SourceQuery


class Sources(ABC):
    """Sources, with the collections derived from those of their Flows."""

    @abstractmethod
    async def get(self, source_id: str) -> Source | None:
        """Return the Source, whole."""

    @abstractmethod
    async def get_many(self, source_ids: Sequence[str]) -> Sequence[Source]:
        """Return those of these Sources that are there, in this order."""

    @abstractmethod
    async def lock(self, source_id: str) -> Source | None:
        """Return the Source and keep others from changing it until the work ends."""

    @abstractmethod
    async def add(self, source: Source) -> None:
        """Store a new Source; its derived collections are ignored."""

    @abstractmethod
    async def replace(self, source: Source) -> None:
        """Store label, description, tags, `updated` and `updated_by` of a locked Source."""

    @abstractmethod
    async def remove(self, source_id: str) -> None:
        """Remove a locked Source that has no Flow left; it leaves the collections by name too."""

    @abstractmethod
    async def has_flows(self, source_id: str) -> bool:
        """Whether a living Flow belongs to it."""

    @abstractmethod
    async def collections(
        self, source_id: str, *, except_flow: str | None = None
    ) -> Sequence[tuple[SourceMember, ...]]:
        """What its Flows collect, as Sources, one tuple per collecting Flow, oldest Flow first."""

    @abstractmethod
    async def count(self, query: SourceQuery) -> int:
        """How many Sources pass."""

    @abstractmethod
    async def list(self, query: SourceQuery, page: PageRequest) -> Page[Source]:
        """One page of the Sources that pass, in the order of statements 244 to 249.

        Raises `Invalid` for a page key that is not of such a listing.
        """
