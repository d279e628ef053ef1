"""Requests of many items, of which all are done or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tams.errors import Conflict, Invalid

MAX_BATCH = 200
"""How many Sources or Flows a batch has at most, since others wait for its transaction."""
MAX_OBJECTS = 1000
"""How many Objects a batch has at most, which are made in one statement."""


@contextmanager
def of_batch(place: int | None) -> Iterator[None]:
    """Let what refuses an item name its place, counted from 0; None is no batch."""
    try:
        yield
    except Invalid as refusal:
        if place is None:
            raise
        field = f"{place}.{refusal.field}"
        raise Invalid(field, refusal.value, refusal.rule) from None
    except Conflict as refusal:
        if place is None:
            raise
        raise Conflict(f"{place}.{refusal}") from None
