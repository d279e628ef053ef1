"""Ids of Objects that somebody reserved, as a catalogue keeps them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from tams.domain.objects import ReservedObject


class Reservations(ABC):
    """Reserved ids: each until a Segment has used it, or until it is given up.

    An Object may be allocated with a reserved id. If it expires, the id is reserved as before; if
    it was used, the reservation goes with the Object.
    """

    @abstractmethod
    async def add(self, reserved: Sequence[ReservedObject]) -> None:
        """Reserve ids that nothing has."""

    @abstractmethod
    async def get(self, object_id: str) -> ReservedObject | None:
        """Return the reservation of an id that no Segment has used."""

    @abstractmethod
    async def taken(self, object_ids: Iterable[str]) -> frozenset[str]:
        """Those of the ids that are reserved."""

    @abstractmethod
    async def remove(self, object_id: str) -> bool:
        """Give a reservation up, if no Segment has used the id; False if there is none."""
