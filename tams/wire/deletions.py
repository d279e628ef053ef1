"""Deletion requests as JSON (TAMS 8.2 `deletion-request`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tams.domain.deletions import DeletionRequest
from tams.wire.error_reports import report_fields
from tams.wire.values import present, timestamp_text


def request_json(request: DeletionRequest) -> bytes:
    """The body of GET /flow-delete-requests/{requestId}, and of a 202 to a DELETE."""
    return json.dumps(_fields(request)).encode()


def requests_json(requests: Sequence[DeletionRequest]) -> bytes:
    """The body of GET /flow-delete-requests."""
    return json.dumps([_fields(request) for request in requests]).encode()


def _fields(request: DeletionRequest) -> dict[str, Any]:
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
