"""Error reports as the tables keep them: JSON, or null where there is none."""

from __future__ import annotations

from functools import cache

from pydantic import TypeAdapter

from tams.domain.error_reports import ErrorReport


def report_text(report: ErrorReport | None) -> str | None:
    """Return what a table keeps of a report."""
    return None if report is None else _adapter().dump_json(report).decode()


def error_report(text: str | None) -> ErrorReport | None:
    """Return the report that a table keeps."""
    return None if text is None else _adapter().validate_json(text)


@cache
def _adapter() -> TypeAdapter[ErrorReport]:
    return TypeAdapter(ErrorReport)
