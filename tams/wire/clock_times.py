"""Timeranges as a clock tells them, `[00:00:00.000,00:05:00.000)`, which some clients send."""

from __future__ import annotations

import re

_CLOCK = r"([0-9]{2,6}):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,9}))?"
_RANGE = re.compile(rf"([\[(]?){_CLOCK}[,_]{_CLOCK}([\])]?)", re.ASCII)


def standard_timerange(text: str) -> str:
    """The same range as the standard writes it; any other text as it is."""
    match = _RANGE.fullmatch(text)
    if match is None:
        return text
    opening, *parts, closing = match.groups()
    return f"{opening}{_timestamp(*parts[:4])}_{_timestamp(*parts[4:])}{closing}"


def _timestamp(hours: str, minutes: str, seconds: str, fraction: str | None) -> str:
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return f"{whole}:{int((fraction or '').ljust(9, '0'))}"
