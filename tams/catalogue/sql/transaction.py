"""A work as an engine runs it: the nouns over one connection, then what was held back."""

from __future__ import annotations

from typing import TypeVar

from tams.catalogue.base import Transaction, Work
from tams.catalogue.sql.analytics import SQLAnalytics
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.deletion_records import SQLDeletionRecords
from tams.catalogue.sql.deletions import SQLDeletions
from tams.catalogue.sql.events import SQLEvents
from tams.catalogue.sql.flows import SQLFlows
from tams.catalogue.sql.inspection import SQLInspection
from tams.catalogue.sql.instances import SQLInstances
from tams.catalogue.sql.jobs import SQLJobs
from tams.catalogue.sql.measuring import SQLMeasuring
from tams.catalogue.sql.named_collections import SQLNamedCollections
from tams.catalogue.sql.objects import SQLObjects
from tams.catalogue.sql.profiles import SQLProfiles
from tams.catalogue.sql.reservations import SQLReservations
from tams.catalogue.sql.segment_tags import SQLSegmentTags
from tams.catalogue.sql.segments import SQLSegments
from tams.catalogue.sql.service import SQLService
from tams.catalogue.sql.sources import SQLSources
from tams.catalogue.sql.trash import SQLTrash
from tams.catalogue.sql.webhooks import SQLWebhooks
from tams.domain.clock import Clock

T = TypeVar("T")


async def perform(work: Work[T], connection: Connection, clock: Clock) -> T:
    """Run a work, and send what it held back."""
    result = await work(
        Transaction(
            service=SQLService(connection),
            sources=SQLSources(connection),
            flows=SQLFlows(connection),
            segments=SQLSegments(connection),
            segment_tags=SQLSegmentTags(connection),
            objects=SQLObjects(connection),
            instances=SQLInstances(connection),
            events=SQLEvents(connection, clock),
            webhooks=SQLWebhooks(connection),
            jobs=SQLJobs(connection),
            deletions=SQLDeletions(connection),
            profiles=SQLProfiles(connection),
            inspection=SQLInspection(connection),
            named_collections=SQLNamedCollections(connection),
            reservations=SQLReservations(connection),
            records=SQLDeletionRecords(connection),
            trash=SQLTrash(connection),
            analytics=SQLAnalytics(connection),
            measuring=SQLMeasuring(connection),
        )
    )
    await connection.flush()
    return result
