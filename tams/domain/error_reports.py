"""What stands behind a status of `error` (TAMS 8.2 `error`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReport:
    """Why the server gave up what it shows with the status `error`, and when."""

    type: str
    summary: str
    time: datetime
