"""Ids of Segments, which the standard does not have: computed from Flow and start, and back.

A UUID has 122 bits besides its version and variant: 64 of them hold the start, in nanoseconds, the
others the beginning of a hash of the Flow's id. So no column and no index keep them, and the ids of
a Flow's Segments are ordered as their times are.
"""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

from tams.domain.patterns import UUID as PATTERN

_ZERO = 1 << 63
_FLOW_BITS = 58
_LOW_BITS = 62
_VERSION, _VARIANT = 5 << 76, 0b10 << 62


def segment_id(flow_id: str, start: int) -> str:
    """The id of the Segment of a Flow that begins at `start`."""
    free = (start + _ZERO) << _FLOW_BITS | _mark(flow_id)
    high, middle, low = free >> 74, free >> _LOW_BITS & 0xFFF, free & (1 << _LOW_BITS) - 1
    return str(UUID(int=high << 80 | _VERSION | middle << 64 | _VARIANT | low))


def segment_start(flow_id: str, text: str) -> int | None:
    """Where the Segment with this id begins; None if it is no id of a Segment of that Flow."""
    if PATTERN.fullmatch(text) is None:
        return None
    value = UUID(text).int
    free = value >> 80 << 74 | (value >> 64 & 0xFFF) << _LOW_BITS | value & (1 << _LOW_BITS) - 1
    start = (free >> _FLOW_BITS) - _ZERO
    return start if segment_id(flow_id, start) == text else None


def _mark(flow_id: str) -> int:
    return int.from_bytes(sha256(flow_id.encode()).digest()[:8], "big") >> 64 - _FLOW_BITS
