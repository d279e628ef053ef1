"""The log of changes, as a catalogue keeps it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from tams.domain.events import Event


class Events(ABC):
    """The log of changes: an event is stored if and only if its change is."""

    @abstractmethod
    async def append(self, *events: Event) -> None:
        """Log changes of this work; each takes the next ordinal of its Flow or Source."""

    @abstractmethod
    async def of(self, entity_id: str) -> Sequence[Event]:
        """The events of one Flow or Source, in the order of its changes."""

    @abstractmethod
    async def expire(self, before: datetime, limit: int = 10_000) -> int:
        """Delete up to `limit` events older than `before`. Returns their number."""
