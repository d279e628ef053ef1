"""Events: what happened to Flows, Sources, Objects and collections (TAMS 8.2 webhooks, `events`).

The standard has eight types, of Flows and Sources. Those of Objects are read out of what is told of
Segments and of Objects that went together (ADR 0014), so one stored event may be several.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, get_args

from tams.domain.flows import Flow
from tams.domain.named_collections import NamedCollection
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

CollectionEventType = Literal["collections/created", "collections/updated", "collections/deleted"]

AnyEventType = Literal[EventType, "objects/created", "objects/deleted", CollectionEventType]

STANDARD_TYPES: tuple[EventType, ...] = get_args(EventType)
EVERY_TYPE: tuple[AnyEventType, ...] = get_args(AnyEventType)

MAX_SEGMENTS = 100
"""How many Segments, or Objects, one stored event holds; a larger change gives several events."""

WHOLE = 999
"""Stands for the last part of a stored event, of whatever number it is."""

_PLACE = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,3}))?(?:-([0-9]{1,18}))?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Place(NamedTuple):
    """A place in the log: behind this part of the event of this number.

    `moment` is when that occurred, in microseconds: it tells the event from one that has its number
    in a log that was put back in time.
    """

    number: int
    part: int = 0
    moment: int | None = None

    @classmethod
    def parse(cls, text: str) -> Place:
        """The place that a text names; raises `ValueError`."""
        found = _PLACE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not the id of an event")
        number, part, moment = found.groups()
        return cls(int(number), int(part or 0), None if moment is None else int(moment))

    def __str__(self) -> str:
        part = f".{self.part}" if self.part else ""
        moment = "" if self.moment is None else f"-{self.moment}"
        return f"{self.number}{part}{moment}"

    @property
    def step(self) -> tuple[int, int]:
        """What comes before and after what."""
        return self[:2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change. `entity_id` is that of what changed; the facts are those that its type needs.

    `source_id` and the collectors are kept as they were, so that an event of a deletion can still
    be filtered by them (statement 287). An event `objects/deleted` is stored with the Flow that let
    them go as its entity and the ids of several Objects, and told once for each.
    """

    type: AnyEventType
    entity_id: str
    source_id: str = ""
    """Empty for what has no Source."""
    flow_collected_by: tuple[str, ...] = ()
    source_collected_by: tuple[str, ...] = ()
    flow: Flow | None = None
    source: Source | None = None
    segments: tuple[Segment, ...] = ()
    timerange: TimeRange | None = None
    reused: tuple[int, ...] = ()
    """Which of `segments`, by their places, have an Object that was registered before."""
    first_inits: tuple[int, ...] = ()
    """Which of them were the first to need their initialisation Object."""
    object_ids: tuple[str, ...] = ()
    of_flow: str | None = None
    """The Flow that an Object came or went with."""
    collection: NamedCollection | None = None

    @property
    def flow_id(self) -> str | None:
        """The Flow that this is about, if it is about one."""
        return self.entity_id if self.type.startswith("flows/") else self.of_flow


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedEvent:
    """An event with its place in the log; both it and `occurred` never change."""

    number: int
    occurred: datetime
    event: Event
    part: int = 0

    @property
    def place(self) -> Place:
        """Where it is, and what tells it from all others, also those of a log put back in time."""
        return Place(self.number, self.part, self._moment)

    @property
    def end(self) -> Place:
        """Behind all its parts."""
        return Place(self.number, WHOLE, self._moment)

    @property
    def step(self) -> tuple[int, int]:
        """What tells it from others of the same log."""
        return self.number, self.part

    @property
    def _moment(self) -> int:
        return (self.occurred - _EPOCH) // timedelta(microseconds=1)

    @property
    def id(self) -> str:
        """Its place as a text."""
        return str(self.place)

    def parts(self) -> Iterator[PublishedEvent]:
        """What is told of it: itself, and each Object that came with it or went, in order."""
        told = _gone(self.event) if self.event.object_ids else (self.event, *_come(self.event))
        for part, event in enumerate(told):
            yield replace(self, part=part, event=event)


def _come(event: Event) -> Iterator[Event]:
    for place, segment in enumerate(event.segments):
        if place in event.first_inits and segment.init_object is not None:
            yield _created(event, segment.init_object.object_id, segment)
        if place not in event.reused:
            yield _created(event, segment.object_id, segment)


def _created(event: Event, object_id: str, segment: Segment) -> Event:
    return Event(
        type="objects/created",
        entity_id=object_id,
        of_flow=event.entity_id,
        source_id=event.source_id,
        flow_collected_by=event.flow_collected_by,
        source_collected_by=event.source_collected_by,
        segments=(segment,),
    )


def _gone(event: Event) -> Iterator[Event]:
    for object_id in event.object_ids:
        yield replace(event, entity_id=object_id, of_flow=event.entity_id, object_ids=())


def collection_event(kind: CollectionEventType, collection: NamedCollection) -> Event:
    """Tell what became of a collection."""
    left = None if kind == "collections/deleted" else collection
    return Event(type=kind, entity_id=collection.id, collection=left)
