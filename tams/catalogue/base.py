"""What a catalogue promises; `tests/catalogue/` holds each implementation to it.

A work is an async function of a `Transaction` that awaits only its methods, one at a time, opens
no other transaction and has no other effect. It may be run again from its start, so its outcome
counts only once `write` has returned it: then the change is durable, or `write` has raised and
nothing was changed. A work sees its own writes. Times of day are aware datetimes in UTC.

Objects and Flows that are gone are unknown here: a removed Flow has no Segments, and an Object
that was registered and has no Segment of a living Flow left is condemned from that commit, unless
a deletion that can be taken back keeps a Segment of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tams.catalogue.promises.analytics import Analytics
from tams.catalogue.promises.deletion_records import DeletionRecords
from tams.catalogue.promises.deletions import Deletions
from tams.catalogue.promises.events import Events
from tams.catalogue.promises.flows import Flows
from tams.catalogue.promises.inspection import Inspection
from tams.catalogue.promises.instances import Instances
from tams.catalogue.promises.jobs import Jobs
from tams.catalogue.promises.measuring import Measuring
from tams.catalogue.promises.named_collections import NamedCollections
from tams.catalogue.promises.objects import Objects
from tams.catalogue.promises.profiles import Profiles
from tams.catalogue.promises.reservations import Reservations
from tams.catalogue.promises.segment_tags import SegmentTags
from tams.catalogue.promises.segments import Segments
from tams.catalogue.promises.service import Service
from tams.catalogue.promises.sources import Sources
from tams.catalogue.promises.trash import Trash
from tams.catalogue.promises.webhooks import Webhooks


@dataclass(slots=True)
class Transaction:
    """The nouns of one transaction."""

    service: Service
    sources: Sources
    flows: Flows
    segments: Segments
    segment_tags: SegmentTags
    objects: Objects
    instances: Instances
    events: Events
    webhooks: Webhooks
    jobs: Jobs
    deletions: Deletions
    profiles: Profiles
    inspection: Inspection
    named_collections: NamedCollections
    reservations: Reservations
    records: DeletionRecords
    trash: Trash
    analytics: Analytics
    measuring: Measuring


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

    async def browse(self, work: Work[T]) -> T:
        """Run a work that may miss what was acknowledged in the last moments.

        As `read` does, unless a replica is set, of which it is one snapshot.
        """
        return await self.read(work)

    @abstractmethod
    async def ping(self) -> None:
        """Return if the catalogue answers; else raise."""
