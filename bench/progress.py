"""How far a long preparation is: told on stderr, so that the table on stdout stays one."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

EVERY = 10.0
"""Seconds between two lines; what takes less says nothing."""


def told(what: str, steps: Iterable[T], whole: int) -> Iterator[T]:
    """Pass the steps on, and tell from time to time how many of the whole are done."""
    begun = said = time.monotonic()
    for done, step in enumerate(steps):
        now = time.monotonic()
        if now - said > EVERY:
            said = now
            print(f"{what}: {done / whole:.0%} in {now - begun:.0f} s", file=sys.stderr, flush=True)
        yield step
