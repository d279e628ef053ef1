"""Which Objects are to be asked for their sizes, as a catalogue keeps it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple


class Unmeasured(NamedTuple):
    """An Object whose size nobody knows, by the catalogue's key, and where its bytes lie."""

    key: int
    id: str
    storage_id: str
    place: str


class Measuring(ABC):
    """Follows the log of events, so that no Object that is registered is passed over."""

    @abstractmethod
    async def claim(self, now: datetime, lease_until: datetime) -> int | None:
        """The number of the event up to which all is done, if there are more and nobody is at it.

        Until the lease ends or `advance` is called, nobody else gets it.
        """

    @abstractmethod
    async def advance(self, number: int) -> None:
        """All is done up to this event."""

    @abstractmethod
    async def by_id(self, object_ids: Iterable[str]) -> Sequence[Unmeasured]:
        """Those of these Objects that have bytes in a Storage Backend, and no size yet."""

    @abstractmethod
    async def by_key(self, keys: Iterable[int]) -> Sequence[Unmeasured]:
        """The same by the catalogue's keys."""
