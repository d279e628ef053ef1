"""Deletions as JSON, and Flows and Sources that were deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from tams.domain.flows import Flow
from tams.domain.sources import Source
from tams.domain.trash import DeletionRecord, Trashed
from tams.wire.flows import flow_fields
from tams.wire.sources import source_fields
from tams.wire.values import present, timestamp_text


def records_json(records: Sequence[DeletionRecord]) -> bytes:
    """The body of GET /deletions."""
    return json.dumps([_fields(record) for record in records]).encode()


def trashed_flows_json(flows: Sequence[Trashed[Flow]]) -> bytes:
    """The body of GET /flows?deleted=…"""
    return json.dumps([flow_fields(flow) | marks(record) for flow, record in flows]).encode()


def trashed_sources_json(sources: Sequence[Trashed[Source]]) -> bytes:
    """The body of GET /sources?deleted=…"""
    return json.dumps([source_fields(each) | marks(record) for each, record in sources]).encode()


def marks(
    record: DeletionRecord | None, moment: Callable[[datetime], str | None] = timestamp_text
) -> dict[str, Any]:
    """What a list that shows what was deleted tells of an item besides; None says that it lives."""
    if record is None:
        return {"deleted": False}
    return {
        "deleted": True,
        "deleted_at": moment(record.deleted_at),
        "deleted_by": record.deleted_by,
        "deletion_id": record.id,
    }


def _fields(record: DeletionRecord) -> dict[str, Any]:
    affected = record.affected
    timerange = affected.timerange
    return present(
        {
            "id": record.id,
            "kind": record.kind,
            "entity_id": record.entity_id,
            "deleted_at": timestamp_text(record.deleted_at),
            "deleted_by": record.deleted_by,
            "principal": record.principal,
            "soft_delete": record.soft,
            "cascade": record.cascade,
            "state": record.state,
            "settled": record.settled and timestamp_text(record.settled),
            "flow_ids": list(affected.flow_ids) or None,
            "source_id": affected.source_id,
            "segments": affected.segments.number,
            "more_segments": affected.segments.more or None,
            "timerange": None if timerange is None else str(timerange),
            "object_id": affected.object_id,
        }
    )
