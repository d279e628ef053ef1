"""What tags a Segment may have: the engine finds Segments by them, so they are bounded."""

from __future__ import annotations

from tams.domain.tags import Tags, elements
from tams.errors import Invalid

MAX_NAME, MAX_VALUE, MAX_STRINGS = 256, 1024, 100
"""Bytes of UTF-8 of a name and of each string, and how many strings a Segment's tags may hold."""


def check_segment_tags(tags: Tags) -> None:
    """Raise `Invalid` if a Segment cannot have these tags."""
    for name, value in tags.items():
        field = f"tags.{name}"
        if not 0 < len(name.encode()) <= MAX_NAME:
            raise Invalid("tags", name, f"each name must have 1 to {MAX_NAME} bytes of UTF-8")
        strings = elements(value)
        if not strings or len(set(strings)) < len(strings):
            raise Invalid(field, list(strings), "a list must hold strings, each of them once")
        if any(len(text.encode()) > MAX_VALUE for text in strings):
            longest = max(strings, key=len)
            raise Invalid(field, longest, f"a string may have {MAX_VALUE} bytes of UTF-8")
    number = sum(len(elements(value)) for value in tags.values())
    if number > MAX_STRINGS:
        raise Invalid("tags", number, f"they may hold {MAX_STRINGS} strings together")
