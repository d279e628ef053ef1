"""The log of changes, as a catalogue keeps it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from tams.catalogue.promises.objects import CondemnedObject
from tams.domain.events import Event, PublishedEvent


class Span(NamedTuple):
    """A part of the log: between two numbers, and in a time that begins at `since`."""

    above: int = 0
    below: int | None = None
    since: datetime | None = None
    until: datetime | None = None


class Farewell(NamedTuple):
    """What is known of the Flow whose rows are removed, and whether it lives on without them."""

    event: Event
    living: bool


class Events(ABC):
    """The log of changes: an event is stored if and only if its change is.

    It is numbered afterwards, when its change is durable, so nobody who reads the log by number
    ever misses an event: none is numbered behind one that could be read before.
    """

    @abstractmethod
    async def append(self, *events: Event) -> None:
        """Log changes of this work, which has locked or added what they are of.

        Each takes the next ordinal of its Flow, Source or collection.
        """

    @abstractmethod
    async def append_gone(
        self, objects: Sequence[CondemnedObject], flow: Event, *, living: bool
    ) -> None:
        """Log that this work has condemned Objects, with the Flow that had them.

        `flow` is any event of it; while it is `living`, it tells no collectors, as `publish` will.
        """

    @abstractmethod
    async def farewell(self, flow_key: int) -> Farewell | None:
        """The deletion of a removed Flow whose row is still there, or from which its Segments were;
        without what collected it where its event is not kept any more, or while the Flow lives."""

    @abstractmethod
    async def publish(self, limit: int = 1000) -> int:
        """Number up to `limit` events, those of a Flow or Source in the order of its changes.

        Those of a Flow that say nothing of what collects it, and its Source, learn that now; but
        for its deletion, which knows. Returns how many were numbered.
        """

    @abstractmethod
    async def note_collectors(
        self, flow_id: str, flow_collected_by: Sequence[str], source_collected_by: Sequence[str]
    ) -> None:
        """Tell the events of a locked Flow that are not numbered what collects it, as `publish`.

        Before it is removed: afterwards nobody knows.
        """

    @abstractmethod
    async def end(self) -> int:
        """The last number that was given; 0 if none was."""

    @abstractmethod
    async def oldest(self) -> int:
        """The number of the oldest event that is kept; one beyond the end if none is."""

    @abstractmethod
    async def is_waiting(self) -> bool:
        """Whether there are events that `publish` would number."""

    @abstractmethod
    async def find(
        self, span: Span, limit: int, *, reverse: bool = False
    ) -> Sequence[PublishedEvent]:
        """The first events of a part of the log, or its last in reverse."""

    @abstractmethod
    async def after(self, number: int, limit: int) -> Sequence[PublishedEvent]:
        """The next events in the order of their numbers, which have no gaps but what expired."""

    @abstractmethod
    async def of(self, entity_id: str) -> Sequence[Event]:
        """The events of one Flow, Source or collection, in the order of its changes."""

    @abstractmethod
    async def expire(self, before: datetime, limit: int = 10_000) -> int:
        """Delete up to `limit` numbered events older than `before`. Returns their number."""
