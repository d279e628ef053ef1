"""Deletion requests, as a catalogue keeps them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from tams.domain.deletions import DeletionRequest
from tams.domain.pages import Page, PageRequest


class Deletions(ABC):
    """Deletion requests, from their acceptance until they expire."""

    @abstractmethod
    async def add(self, request: DeletionRequest) -> int:
        """Store a new request of a locked Flow, and return the catalogue's own key for it.

        While one is open that does not delete the Flow, `LockedFlow.deletions` says so.
        """

    @abstractmethod
    async def get(self, request_id: str, now: datetime) -> DeletionRequest | None:
        """Return a request that has not expired."""

    @abstractmethod
    async def list(self, now: datetime, page: PageRequest) -> Page[DeletionRequest]:
        """One page of those that have not expired, in the order of statements 244 to 249.

        Raises `Invalid` for a page key that is not of such a listing.
        """

    @abstractmethod
    async def count(self, now: datetime) -> int:
        """How many have not expired."""

    @abstractmethod
    async def lock(self, key: int) -> DeletionRequest | None:
        """Return an open request, and keep others from working on it until the work ends."""

    @abstractmethod
    async def open_of(self, flow_key: int) -> Sequence[DeletionRequest]:
        """The open requests of a Flow, of a removed one too, oldest first."""

    @abstractmethod
    async def replace(self, request: DeletionRequest) -> None:
        """Store how far an open request is: what is left, status, error, `updated`, `expiry`."""

    @abstractmethod
    async def expire(self, now: datetime, limit: int = 10_000) -> int:
        """Drop up to `limit` requests that have expired. Returns their number."""
