"""Objects, as a catalogue keeps them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from tams.catalogue.promises.segments import MAX_SEGMENTS
from tams.domain.flows import LockedFlow
from tams.domain.objects import Access, Instance, NewObject, Object, ObjectFacts
from tams.domain.pages import Page, PageRequest
from tams.domain.tags import TagFilter


class DoomedObject(NamedTuple):
    """An Object whose bytes are to be deleted; only controlled instances are named.

    They include places that are not listed; some of these may still be written while
    `is_being_copied`.
    """

    key: int
    instances: tuple[Instance, ...]
    is_being_copied: bool = False


class CondemnedObject(NamedTuple):
    """An Object that nothing refers to any more."""

    key: int
    id: str


class Objects(ABC):
    """Objects, from allocation until their bytes are gone."""

    @abstractmethod
    async def taken(self, object_ids: Iterable[str]) -> frozenset[str]:
        """Those of the ids that exist in any state: allocated, registered or condemned."""

    @abstractmethod
    async def allocate(
        self, flow: LockedFlow, objects: Sequence[NewObject], at: datetime, expires: datetime
    ) -> None:
        """Store new Objects of a Flow; unless registered, they may be collected after `expires`."""

    @abstractmethod
    async def prolong(self, object_ids: Iterable[str], expires: datetime) -> None:
        """Keep these Objects until `expires`, as far as they are allocated and not registered."""

    @abstractmethod
    async def rename(self, names: Mapping[str, str]) -> None:
        """Give allocated Objects, by id, other ids, which must be free; their keys stay."""

    @abstractmethod
    async def abandon(self, object_ids: Iterable[str], due: datetime) -> Sequence[int]:
        """Condemn those of these Objects that are allocated and not registered; returns their keys.

        Those that a deletion keeps are left to it.

        Each gets a job `remove_object`, due at `due`.
        """

    @abstractmethod
    async def measure(self, sizes: Mapping[str, int]) -> None:
        """Store how many bytes these Objects have, by id; ids that are unknown are passed over.

        It locks the Flows that refer to them, then the Objects.
        """

    @abstractmethod
    async def read(self, accesses: Mapping[str, Access]) -> None:
        """The same for how often they were read since it was written down for the last time.

        Those that are not registered are passed over, too.
        """

    @abstractmethod
    async def allocated(self, object_ids: Iterable[str]) -> Mapping[str, Instance]:
        """By id, where the bytes of those are to lie that are allocated and not registered yet."""

    @abstractmethod
    async def any_in(self, storage_id: str) -> bool:
        """Whether an Object in any state has, or may yet have, bytes in this Storage Backend."""

    @abstractmethod
    async def get(self, object_id: str) -> Object | None:
        """Return a registered Object."""

    @abstractmethod
    async def facts(self, object_ids: Iterable[str]) -> Mapping[str, ObjectFacts]:
        """By id, what is known of the bytes of those Objects that are there."""

    @abstractmethod
    async def referenced_by(
        self, object_id: str, flow_tags: TagFilter, page: PageRequest
    ) -> Page[str]:
        """Ids of the Flows with a Segment of this Object, in the order of their ids."""

    @abstractmethod
    async def condemn(self, keys: Iterable[int], due: datetime) -> Sequence[CondemnedObject]:
        """Record which of these Media Objects nothing refers to any more, and return them.

        With them go the initialisation Objects that they were the last to name. Each gets a job
        `remove_object`, due at `due`.
        """

    @abstractmethod
    async def condemn_expired(self, now: datetime, limit: int = MAX_SEGMENTS) -> int:
        """The same for allocated Objects that expired unregistered, due `now`; their number."""

    @abstractmethod
    async def doomed(self, keys: Iterable[int]) -> Sequence[DoomedObject]:
        """Those of these Objects that are condemned, and not forgotten yet."""

    @abstractmethod
    async def forget(self, keys: Iterable[int]) -> None:
        """Drop condemned Objects, whose bytes are gone; their ids are free again."""
