"""Timeranges as some of the vendor's clients write them: times of a clock, from midnight on."""

from __future__ import annotations

import re

from tams.domain.timerange import SECOND, TimeRange

_TIME = r"(\d{2,}):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?"
_RANGE = re.compile(rf'("timerange"\s*:\s*)"([\[(])?{_TIME}[,_]{_TIME}([\])])?"'.encode())


def with_timeranges(body: bytes) -> bytes:
    """A JSON text in which each such `timerange` is written as the standard has it."""
    return _RANGE.sub(_standard, body) if b":" in body else body


def _standard(found: re.Match[bytes]) -> bytes:
    name, opening, *times, closing = (part or b"" for part in found.groups())
    start, end = _nanoseconds(*times[:4]), _nanoseconds(*times[4:])
    start += opening == b"("
    end += closing == b"]"
    if end <= start:
        return found[0]
    return name + b'"%b"' % str(TimeRange(start, end)).encode()


def _nanoseconds(hours: bytes, minutes: bytes, seconds: bytes, fraction: bytes) -> int:
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * SECOND + int(fraction.ljust(9, b"0") or b"0")
