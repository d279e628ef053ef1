"""A Flow's rollup as its row keeps it, in JSON."""

from __future__ import annotations

from pydantic_core import from_json, to_json

from tams.domain.rollups import Rollup

NO_ROLLUP = "{}"
"""That of a Flow without Segments, which was counted."""


def rollup_of(told: str) -> Rollup:
    """What a row tells."""
    found = from_json(told)
    if not found:
        return Rollup()
    durations = found.pop("durations", None)
    known = None if durations is None else {int(key): value for key, value in durations.items()}
    return Rollup(durations=known, **found)


def rollup_text(rollup: Rollup) -> str:
    """What a row is to tell."""
    if not rollup.segments:
        return NO_ROLLUP
    return to_json(
        {
            "segments": rollup.segments,
            "duration": rollup.duration,
            "durations": rollup.durations,
            "hours": rollup.hours,
            "days": rollup.days,
        }
    ).decode()
