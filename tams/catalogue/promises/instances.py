"""The instances of Objects, as a catalogue keeps them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from tams.domain.instances import HeldObject, PendingCopy
from tams.domain.objects import Instance


class Instances(ABC):
    """Where the bytes of Objects lie, and the places that are not listed.

    Such a place is on its way in, a copy that is not whole yet, or on its way out. It is known by
    a key of its own, the subject of the jobs `copy_object` and `remove_copy`.
    """

    @abstractmethod
    async def lock(self, object_id: str) -> HeldObject | None:
        """Lock an Object, and return it if Segments refer to it."""

    @abstractmethod
    async def keep(self, held: HeldObject, instances: Sequence[Instance]) -> None:
        """Let a locked Object have these instances, from now on and in all its Segments.

        They are listed in this order, but for one: the first controlled one leads.
        """

    @abstractmethod
    async def add_incoming(self, held: HeldObject, target: Instance) -> int:
        """Store the place of a copy that is on its way in, and return its key."""

    @abstractmethod
    async def add_outgoing(self, held: HeldObject, instance: Instance) -> int:
        """Store the place of a controlled instance that is on its way out, and return its key."""

    @abstractmethod
    async def lock_copy(self, key: int) -> PendingCopy | None:
        """Lock the Object of a place on its way in; None if there is no such place any more."""

    @abstractmethod
    async def turn_out(self, key: int) -> None:
        """Let a place on its way in be on its way out."""

    @abstractmethod
    async def outgoing(self, key: int) -> Instance | None:
        """Return a place on its way out; None if there is no such place any more."""

    @abstractmethod
    async def forget(self, key: int) -> None:
        """Drop a place: what lies there is listed now, or is gone."""
