"""What a catalogue promises; `tests/catalogue/` holds each implementation to it.

A work is an async function of a `Transaction` that awaits only its methods, one at a time, opens
no other transaction and has no other effect. It may be run again from its start, so its outcome
counts only once `write` has returned it: then the change is durable, or `write` has raised and
nothing was changed. A work sees its own writes. Times of day are aware datetimes in UTC.

Objects and Flows that are gone are unknown here: a removed Flow has no Segments, and an Object
that was registered and has no Segment of a living Flow left is condemned from that commit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

from tams.domain.events import Event
from tams.domain.flows import Flow, FlowQuery, LockedFlow
from tams.domain.jobs import ClaimedJob, Job
from tams.domain.objects import Instance, NewObject, Object
from tams.domain.pages import Page, PageRequest
from tams.domain.registration import Accepted, Survey
from tams.domain.segments import NewSegment, Segment, SegmentQuery
from tams.domain.service import ServiceDescription
from tams.domain.sources import Source, SourceMember, SourceQuery
from tams.domain.tags import TagFilter
from tams.domain.timerange import TimeRange

MAX_SEGMENTS = 1000
"""How many Segments one work may add or delete."""


class Service(ABC):
    """The service's own description."""

    @abstractmethod
    async def get(self) -> ServiceDescription:
        """Return it; unset properties are None."""

    @abstractmethod
    async def lock(self) -> ServiceDescription:
        """Return it and keep others from changing it until the work ends."""

    @abstractmethod
    async def replace(self, description: ServiceDescription) -> None:
        """Store it."""


class Sources(ABC):
    """Sources, with the collections derived from those of their Flows."""

    @abstractmethod
    async def get(self, source_id: str) -> Source | None:
        """Return the Source, whole."""

    @abstractmethod
    async def lock(self, source_id: str) -> Source | None:
        """Return the Source and keep others from changing it until the work ends."""

    @abstractmethod
    async def add(self, source: Source) -> None:
        """Store a new Source; its derived collections are ignored."""

    @abstractmethod
    async def replace(self, source: Source) -> None:
        """Store label, description, tags, `updated` and `updated_by` of a locked Source."""

    @abstractmethod
    async def remove(self, source_id: str) -> None:
        """Remove a locked Source that has no Flow left."""

    @abstractmethod
    async def has_flows(self, source_id: str) -> bool:
        """Whether a living Flow belongs to it."""

    @abstractmethod
    async def collections(
        self, source_id: str, *, except_flow: str | None = None
    ) -> Sequence[tuple[SourceMember, ...]]:
        """What its Flows collect, as Sources, one tuple per collecting Flow, oldest Flow first."""

    @abstractmethod
    async def list(self, query: SourceQuery, page: PageRequest) -> Page[Source]:
        """One page of the Sources that pass, in the order of statements 244 to 249.

        Raises `Invalid` for a page key that is not of such a listing.
        """


class Flows(ABC):
    """Flows, with tags and collections."""

    @abstractmethod
    async def get(self, flow_id: str) -> Flow | None:
        """Return the Flow, whole."""

    @abstractmethod
    async def lock(self, flow_id: str) -> LockedFlow | None:
        """Keep all other writers of this Flow out until the work ends."""

    @abstractmethod
    async def lock_collections(self) -> None:
        """Keep all others from changing what any Flow collects until the work ends."""

    @abstractmethod
    async def add(self, flow: Flow) -> None:
        """Store a new Flow; `collected_by` is ignored. A removed id starts empty."""

    @abstractmethod
    async def replace(self, flow: Flow) -> None:
        """Store all of a locked Flow but `created`, `segments_updated` and `collected_by`."""

    @abstractmethod
    async def remove(self, flow: LockedFlow, at: datetime) -> None:
        """Hide a Flow and its Segments at once, whatever their number; what it collects is freed.

        Its rows go by `Segments.remove_slice` and `forget`.
        """

    @abstractmethod
    async def forget(self, key: int) -> None:
        """Drop the last row of a removed Flow that has no Segment row left."""

    @abstractmethod
    async def sources_of(self, flow_ids: Iterable[str]) -> Mapping[str, str]:
        """The Source's id by the Flow's, for those of the ids that are Flows here."""

    @abstractmethod
    async def collected_from(self, flow_ids: Iterable[str]) -> frozenset[str]:
        """These ids and all that their Flows collect, directly or through others."""

    @abstractmethod
    async def timerange(self, flow_id: str, within: TimeRange) -> TimeRange:
        """From the start of the first to the end of the last Segment that overlaps `within`."""

    @abstractmethod
    async def list(self, query: FlowQuery, page: PageRequest) -> Page[Flow]:
        """One page of the Flows that pass, in the order of statements 244 to 249.

        Raises `Invalid` for a page key that is not of such a listing.
        """


class Deleted(NamedTuple):
    """Segments that were deleted: how many, from where to where, and the keys of their Objects."""

    number: int
    timerange: TimeRange
    objects: tuple[int, ...]


class Segments(ABC):
    """The Segments of each Flow, which never overlap."""

    @abstractmethod
    async def survey(self, flow: LockedFlow, posts: Sequence[NewSegment]) -> Survey:
        """Lock the Objects that are named, and find the neighbours of the Segments.

        Takes MAX_SEGMENTS at most.
        """

    @abstractmethod
    async def add(self, flow: LockedFlow, accepted: Sequence[Accepted], at: datetime) -> None:
        """Insert surveyed Segments, register their Objects, and set `segments_updated`."""

    @abstractmethod
    async def list(self, flow_id: str, query: SegmentQuery, page: PageRequest) -> Page[Segment]:
        """One page in the order of time; empty if there is no such Flow.

        The cost depends on the page, not on the Flow. Raises `Invalid` for a foreign page key.
        """

    @abstractmethod
    async def delete(
        self, flow: LockedFlow, query: SegmentQuery, at: datetime, limit: int = MAX_SEGMENTS
    ) -> Deleted:
        """Delete the first `limit` Segments that lie completely within the query's timerange."""

    @abstractmethod
    async def remove_slice(self, key: int, limit: int = MAX_SEGMENTS) -> Deleted:
        """Delete some Segments of a removed Flow; none are left when `number` is below `limit`."""


class DoomedObject(NamedTuple):
    """An Object whose bytes are to be deleted; only controlled instances are named."""

    key: int
    instances: tuple[Instance, ...]


class Objects(ABC):
    """Objects, from allocation until their bytes are gone."""

    @abstractmethod
    async def taken(self, object_ids: Iterable[str]) -> frozenset[str]:
        """Those of the ids that exist in any state: allocated, registered or condemned."""

    @abstractmethod
    async def allocate(
        self, flow: LockedFlow, objects: Sequence[NewObject], expires: datetime
    ) -> None:
        """Store new Objects of a Flow; unless registered, they may be collected after `expires`."""

    @abstractmethod
    async def get(self, object_id: str) -> Object | None:
        """Return a registered Object."""

    @abstractmethod
    async def referenced_by(
        self, object_id: str, flow_tags: TagFilter, page: PageRequest
    ) -> Page[str]:
        """Ids of the Flows with a Segment of this Object, in the order of their ids."""

    @abstractmethod
    async def condemn(self, keys: Iterable[int], due: datetime) -> int:
        """Record which of these registered Objects nothing refers to any more.

        Each gets a job `remove_object`, due at `due`. Returns their number.
        """

    @abstractmethod
    async def condemn_expired(self, now: datetime, limit: int = MAX_SEGMENTS) -> int:
        """The same for allocated Objects that expired unregistered, due `now`."""

    @abstractmethod
    async def doomed(self, key: int) -> DoomedObject | None:
        """Return a condemned Object; None if it is not (or no longer) there."""

    @abstractmethod
    async def forget(self, key: int) -> None:
        """Drop a condemned Object, whose bytes are gone; its id is free again."""


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


class Jobs(ABC):
    """The queue of what goes on after the response: at least once, so handlers are idempotent."""

    @abstractmethod
    async def add(self, job: Job) -> None:
        """Queue a job; it is there if and only if the work's change is."""

    @abstractmethod
    async def claim(self, now: datetime, lease_until: datetime) -> ClaimedJob | None:
        """Take the job that has been due longest and that nobody holds."""

    @abstractmethod
    async def finish(self, job: ClaimedJob) -> None:
        """Remove a job that is done."""

    @abstractmethod
    async def postpone(self, job: ClaimedJob, due: datetime) -> None:
        """Give a job back, to be claimed at `due`."""


@dataclass(frozen=True)
class Transaction:
    """The nouns of one transaction."""

    service: Service
    sources: Sources
    flows: Flows
    segments: Segments
    objects: Objects
    events: Events
    jobs: Jobs


T = TypeVar("T")
Work = Callable[[Transaction], Awaitable[T]]


class Catalogue(ABC):
    """Where facts live."""

    @abstractmethod
    async def open(self) -> None:
        """Connect; raises `BadSettings` if the schema is missing or of another version."""

    @abstractmethod
    async def close(self) -> None:
        """Finish the works that have begun, and disconnect."""

    @abstractmethod
    async def write(self, work: Work[T]) -> T:
        """Run a work and make its change durable before returning what it returned.

        Raises what the work raises, having changed nothing; `Busy` if too much waits already;
        `OutcomeUnknown` if the answer to COMMIT was lost.
        """

    @abstractmethod
    async def read(self, work: Work[T]) -> T:
        """Run a work on one snapshot that holds all that was acknowledged before it began."""

    @abstractmethod
    async def ping(self) -> None:
        """Return if the catalogue answers; else raise."""
