"""Timeranges as a clock tells them, `[00:00:00.000,00:05:00.000)`, which some clients send."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_plus

_CLOCK = r"([0-9]{2,6}):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,9}))?"
_TOLD = re.compile(rb'("(?:object_)?timerange"\s*:\s*")([^"\\]*)')
_RANGE = re.compile(rf"([\[(]?){_CLOCK}[,_]{_CLOCK}([\])]?)", re.ASCII)


def standard_timeranges(body: bytes) -> bytes:
    """A JSON text with each `timerange` and `object_timerange` as the standard writes it."""
    return _TOLD.sub(
        lambda found: found[1] + standard_timerange(found[2].decode("latin-1")).encode("latin-1"),
        body,
    )


def standard_query(query: bytes) -> bytes:
    """An undecoded query string with its `timerange` as the standard writes it."""
    return b"&".join(map(_standard_pair, query.split(b"&")))


def _standard_pair(pair: bytes) -> bytes:
    name, equals, value = pair.decode("latin-1").partition("=")
    told = unquote_plus(value)
    standard = standard_timerange(told)
    if name != "timerange" or standard == told:
        return pair
    return f"{name}{equals}{quote(standard)}".encode("latin-1")


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
