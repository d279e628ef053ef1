"""Deletion requests as JSON (TAMS 8.2 `deletion-request`), and what asks for one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tams.domain.deletions import DeletionRequest
from tams.domain.patterns import check_uuid
from tams.domain.timerange import TimeRange
from tams.errors import Invalid
from tams.wire.error_reports import report_fields
from tams.wire.technical import read_object
from tams.wire.values import present, timestamp_text


def parse_deletion(body: bytes) -> tuple[str, TimeRange | None]:
    """Read the body of POST /deletion-requests: a Flow's id, and maybe of when; raises `Invalid`.

    Without a timerange the Flow is to go, with all that it has.
    """
    document = read_object(body)
    flow_id = document.get("flow_id")
    if not isinstance(flow_id, str):
        raise Invalid("flow_id", flow_id, "it must be the id of a Flow")
    text = document.get("timerange")
    if text is None:
        return check_uuid("flow_id", flow_id), None
    rule = "it must be a timerange such as [0:0_10:0) or _"
    if not isinstance(text, str):
        raise Invalid("timerange", text, rule)
    try:
        timerange = TimeRange.parse(text).clamped()
    except ValueError:
        raise Invalid("timerange", text, rule) from None
    return check_uuid("flow_id", flow_id), timerange


def request_json(request: DeletionRequest) -> bytes:
    """The body of GET /flow-delete-requests/{requestId}, and of a 202 to a DELETE."""
    return json.dumps(request_fields(request)).encode()


def requests_json(requests: Sequence[DeletionRequest]) -> bytes:
    """The body of GET /flow-delete-requests."""
    return json.dumps([request_fields(request) for request in requests]).encode()


def request_fields(request: DeletionRequest) -> dict[str, Any]:
    """The properties that are set."""
    is_given_up = request.status == "error"
    return present(
        {
            "id": request.id,
            "flow_id": request.flow_id,
            "timerange_to_delete": str(request.timerange),
            "timerange_remaining": None if request.remaining is None else str(request.remaining),
            "delete_flow": request.delete_flow,
            "created": timestamp_text(request.created),
            "created_by": request.created_by,
            "updated": timestamp_text(request.updated),
            "expiry": request.expiry and timestamp_text(request.expiry),
            "status": request.status,
            "error": report_fields(request.error) if is_given_up and request.error else None,
        }
    )
