"""Error reports as JSON (TAMS 8.2 `error`)."""

from __future__ import annotations

from tams.domain.error_reports import ErrorReport
from tams.wire.values import timestamp_text


def report_fields(report: ErrorReport) -> dict[str, str]:
    """The property `error` of what has the status `error`."""
    return {"type": report.type, "summary": report.summary, "time": timestamp_text(report.time)}
