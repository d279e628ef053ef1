"""What a key looks like."""

from __future__ import annotations

import re

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


def is_key(text: str) -> bool:
    """Whether it is a relative path of letters, digits and `-_.`, with no name that hides."""
    return _KEY.fullmatch(text) is not None
