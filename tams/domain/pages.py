"""A page of a listing, and what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

Sort = Literal["created", "updated", "metadata_updated", "expiry", "label"]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a listing is wanted; `key` is the `next_key` of the page before, or None."""

    limit: int
    key: str | None = None
    reverse: bool = False
    sort: Sort = "created"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a listing; `next_key` is None on the last page."""

    items: Sequence[T]
    next_key: str | None = None
