"""Dates as the standard writes them."""

from __future__ import annotations

from datetime import datetime


def is_instant(text: object) -> bool:
    """Whether `text` is a date-time with its zone, such as 2026-08-13T00:00:00Z."""
    try:
        return isinstance(text, str) and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
