"""Which events somebody is told of, and how their `get_urls` look (TAMS 8.2 `webhook`)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tams.domain.events import AnyEventType, Event, PublishedEvent
from tams.domain.storage import UrlFilter
from tams.errors import Invalid


class EventOptions(NamedTuple):
    """All that makes one body of an event differ from another of it."""

    accept_get_urls: tuple[str, ...] | None
    accept_storage_ids: tuple[str, ...] | None
    presigned: bool | None
    verbose_storage: bool | None
    include_object_timerange: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """The filters and options of a webhook, or of a stream; what is left out is None."""

    events: tuple[AnyEventType, ...]
    flow_ids: tuple[str, ...] | None = None
    source_ids: tuple[str, ...] | None = None
    flow_collected_by_ids: tuple[str, ...] | None = None
    """Of collectors, any of which will do; none at all wants Flows that nothing collects."""
    source_collected_by_ids: tuple[str, ...] | None = None
    accept_get_urls: tuple[str, ...] | None = None
    accept_storage_ids: tuple[str, ...] | None = None
    presigned: bool | None = None
    verbose_storage: bool | None = None
    include_object_timerange: bool | None = None

    def __post_init__(self) -> None:
        # What lets nothing through is more likely a mistake (decisions on 278 and 286).
        for name in ("events", "flow_ids", "source_ids"):
            if getattr(self, name) == ():
                raise Invalid(name, [], "it must hold at least one, or nothing would be sent")

    def of(self, published: PublishedEvent) -> Sequence[PublishedEvent]:
        """What of a stored event is wanted, in order."""
        if any(each.startswith("objects/") for each in self.events):
            return [part for part in published.parts() if self.wants(part.event)]
        return [published] if self.wants(published.event) else []

    def wants(self, event: Event) -> bool:
        """Whether the event passes the filters (statements 284 and 285).

        An Object's event passes as one of the Flow that it came or went with.
        """
        if event.type not in self.events:
            return False
        flow_id = event.flow_id
        if flow_id is not None and not (
            _passes(self.flow_ids, (flow_id,))
            and _is_collected(self.flow_collected_by_ids, event.flow_collected_by)
        ):
            return False
        return _passes(self.source_ids, (event.source_id,)) and _is_collected(
            self.source_collected_by_ids, event.source_collected_by
        )

    @property
    def options(self) -> EventOptions:
        """What else than which events is asked for."""
        return EventOptions(
            self.accept_get_urls,
            self.accept_storage_ids,
            self.presigned,
            self.verbose_storage,
            self.include_object_timerange,
        )

    @property
    def url_filter(self) -> UrlFilter:
        """Which `get_urls` its events show; no storage ids filter nothing, as in a query."""
        labels, storage_ids = self.accept_get_urls, self.accept_storage_ids
        return UrlFilter(
            labels=None if labels is None else frozenset(labels),
            storage_ids=frozenset(storage_ids) if storage_ids else None,
            presigned=self.presigned,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFilter(EventFilter):
    """The same, of one entity alone if `entity` says so."""

    entity: str | None = None

    def wants(self, event: Event) -> bool:
        """Whether the event passes the filters."""
        # Not `super()`, which a class with slots has lost in Python 3.11.
        return (self.entity is None or event.entity_id == self.entity) and EventFilter.wants(
            self, event
        )


def _passes(wanted: Collection[str] | None, found: Collection[str]) -> bool:
    return wanted is None or any(one in wanted for one in found)


def _is_collected(collectors: Collection[str] | None, found: Collection[str]) -> bool:
    return not found if collectors == () else _passes(collectors, found)
