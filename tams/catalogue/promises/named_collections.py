"""Collections by name, as a catalogue keeps them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from tams.domain.named_collections import Member, NamedCollection
from tams.domain.pages import Page, PageRequest


class NamedCollections(ABC):
    """Collections by name. A Flow or Source that is gone is no member of any."""

    @abstractmethod
    async def get(self, holds: Member, collection_id: str) -> NamedCollection | None:
        """Return the collection of that kind, with its members."""

    @abstractmethod
    async def lock(self, holds: Member, collection_id: str) -> NamedCollection | None:
        """Return the collection and keep others from changing it until the work ends."""

    @abstractmethod
    async def is_taken(self, collection_id: str) -> bool:
        """Whether a collection of either kind has this id."""

    @abstractmethod
    async def add(self, collection: NamedCollection) -> None:
        """Store a new collection with its members, all of which are there."""

    @abstractmethod
    async def replace(self, collection: NamedCollection) -> None:
        """Store all of a locked collection but `created` and `created_by`.

        Members that stay keep their places; new ones come last, in their order.
        """

    @abstractmethod
    async def remove(self, collection: NamedCollection) -> None:
        """Remove a locked collection; its members stay."""

    @abstractmethod
    async def list(
        self, holds: Member, label: str | None, page: PageRequest
    ) -> Page[NamedCollection]:
        """One page of the collections of that kind, of one label if that is given.

        Raises `Invalid` for a page key that is not of such a listing.
        """

    @abstractmethod
    async def missing(self, holds: Member, member_ids: Sequence[str]) -> Sequence[str]:
        """Those of the ids that name no Flow or Source; the others stay until the work ends."""

    @abstractmethod
    async def holding(self, holds: Member, member_id: str) -> Sequence[str]:
        """The ids of the collections that this Flow or Source is in, in their order."""
