"""Events: what happened to Flows and Sources (TAMS 8.2 webhooks, section `events`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tams.domain.flows import Flow
from tams.domain.segments import Segment
from tams.domain.sources import Source
from tams.domain.timerange import TimeRange

EventType = Literal[
    "flows/created",
    "flows/updated",
    "flows/deleted",
    "flows/segments_added",
    "flows/segments_deleted",
    "sources/created",
    "sources/updated",
    "sources/deleted",
]

MAX_SEGMENTS = 100
"""How many Segments one event holds; a larger change gives several events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change. `entity_id` is the Flow's or Source's; the facts are those that its type needs.

    `source_id` and the collectors are kept as they were, so that an event of a deletion can still
    be filtered by them (statement 287).
    """

    type: EventType
    entity_id: str
    source_id: str
    flow_collected_by: tuple[str, ...] = ()
    source_collected_by: tuple[str, ...] = ()
    flow: Flow | None = None
    source: Source | None = None
    segments: tuple[Segment, ...] = ()
    timerange: TimeRange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedEvent:
    """An event with its place in the log; both it and `occurred` never change."""

    number: int
    occurred: datetime
    event: Event

    @property
    def id(self) -> str:
        """What tells it from all others, also from those of a log that was put back in time."""
        return f"{self.number}-{self.occurred.isoformat()}"
