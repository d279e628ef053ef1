"""The catalogue against itself and against the storages, a slice at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from tams.domain.faults import Fault
from tams.domain.jobs import Job

Noun = Literal[
    "Flows",
    "Sources",
    "Segments",
    "Objects",
    "jobs",
    "copies",
    "deletion requests",
    "webhooks",
    "log",
]
"""What is looked at; `copies` are the places of instances on their way in or out."""
NOUNS: tuple[Noun, ...] = get_args(Noun)

START = (-1, -(2**63))
"""Before the first row of any noun."""


class Slice(NamedTuple):
    """Some rows of a noun: `after` is where the slice before ended, `upto` where this one does."""

    noun: Noun
    after: tuple[int, int]
    upto: tuple[int, int]
    number: int


class Holder(NamedTuple):
    """The owner of a key: its own key in the catalogue, and whether it is a listed instance."""

    key: int
    object_id: str | None
    storage_id: str
    place: str
    is_listed: bool


class Removal(NamedTuple):
    """Bytes that are to go, and when."""

    due: datetime
    storage_id: str
    place: str


class Inspection(ABC):
    """What `tams admin check` and `gc` ask. Each method sees one moment of a store that goes on."""

    @abstractmethod
    async def next_slice(self, noun: Noun, after: tuple[int, int], limit: int) -> Slice | None:
        """The next `limit` rows of a noun, in the order of their keys; None at the end."""

    @abstractmethod
    async def faults(self, part: Slice) -> Sequence[Fault]:
        """What is wrong in a slice, as far as the catalogue knows by itself."""

    @abstractmethod
    async def backends(self, part: Slice) -> Mapping[str, int]:
        """How many instances and places lie in each Storage Backend, of a slice of Objects."""

    @abstractmethod
    async def holders(self, object_ids: Iterable[str]) -> Sequence[Holder]:
        """All places of these Objects in Storage Backends, listed or not."""

    @abstractmethod
    async def holding(
        self, part: Slice, storage_id: str, places: Collection[str]
    ) -> Sequence[Holder]:
        """Those of a slice of Objects that have one of these places; it reads the whole slice."""

    @abstractmethod
    async def instances(self, part: Slice) -> Sequence[Holder]:
        """The listed instances in Storage Backends, of those Objects of a slice that are shown."""

    @abstractmethod
    async def is_needed(self, holder: Holder, registered_before: datetime) -> bool:
        """Whether Segments need this instance, and not only since that moment.

        Those of living Flows, and of what can be taken back.
        """

    @abstractmethod
    async def mend(self, fault: Fault, now: datetime, due: datetime) -> bool:
        """Repair what the catalogue can by itself, if it is still wrong; False if it is not.

        What is queued is due `now`, what may still be read at `due`.
        """

    @abstractmethod
    async def queued(self, part: Slice) -> Sequence[Job]:
        """A slice of the jobs, whether they are due or not."""

    @abstractmethod
    async def removals(self, part: Slice) -> Sequence[Removal]:
        """The bytes that a slice of the jobs will delete."""

    @abstractmethod
    async def expiring(self, part: Slice) -> Sequence[Removal]:
        """Where those of a slice of Objects lie that go if they are not registered in time."""
