"""Deletion requests: what is being deleted behind an answer (TAMS 8.2 `deletion-request`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from tams.domain.error_reports import ErrorReport
from tams.domain.segments import SegmentQuery
from tams.domain.timerange import EMPTY, TimeRange

DeletionStatus = Literal["created", "started", "done", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionRequest:
    """A deletion that was accepted, and how far it is.

    It takes the Segments that lie completely within `timerange`, of one Object if `object_id`, and
    that were registered at the Flow's `ordinal` or before; `flow_key` is the catalogue's own.
    """

    id: str
    flow_id: str
    flow_key: int
    ordinal: int
    timerange: TimeRange
    delete_flow: bool
    created: datetime
    updated: datetime
    object_id: str | None = None
    created_by: str | None = None
    status: DeletionStatus = "created"
    remaining: TimeRange | None = None
    """From where to where the Segments reach that are still to go; None once all are gone."""
    expiry: datetime | None = None
    """When the request itself disappears; None before it has ended."""
    error: ErrorReport | None = None
    """Why it was given up; while it is open, the first failure since its last slice, if any."""

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.status in ("created", "started")

    @property
    def query(self) -> SegmentQuery:
        """Where to look for what is left."""
        return SegmentQuery(self.remaining or EMPTY, self.object_id)

    def takes(self, timerange: TimeRange, object_id: str, registered: int) -> bool:
        """Whether a Segment is to go."""
        return (
            registered <= self.ordinal
            and self.object_id in (None, object_id)
            and self.timerange.contains(timerange)
        )

    def advanced(self, rest: int | None, now: datetime, retention: timedelta) -> DeletionRequest:
        """The request after a slice; `rest` is where the next begins, None if there is none."""
        if rest is None or self.remaining is None:
            ended = now + retention
            return replace(
                self, status="done", remaining=None, error=None, updated=now, expiry=ended
            )
        remaining = self.remaining._replace(start=rest)
        return replace(self, status="started", remaining=remaining, error=None, updated=now)

    def failing(self, kind: str, summary: str, now: datetime) -> DeletionRequest:
        """The request after a slice failed that is tried again."""
        return replace(self, error=self.error or ErrorReport(type=kind, summary=summary, time=now))

    def failed(
        self, kind: str, summary: str, now: datetime, retention: timedelta
    ) -> DeletionRequest:
        """The request after it was given up; what remains stays."""
        error = ErrorReport(type=kind, summary=summary, time=now)
        return replace(self, status="error", error=error, updated=now, expiry=now + retention)
