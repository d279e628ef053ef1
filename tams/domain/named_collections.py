"""Collections by name: Flows or Sources that somebody put together, beside the standard's.

They never show in `flow_collection`, `source_collection` or `collected_by`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Member = Literal["flow", "source"]
"""What a collection holds; no collection holds both."""

MAX_MEMBERS = 1000
"""How many members a collection has at most, since each answer names them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCollection:
    """A collection to make; without an `id` it gets one."""

    id: str | None
    label: str
    description: str | None
    member_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCollection:
    """A collection with its members, in the order in which they were added."""

    id: str
    holds: Member
    label: str
    description: str | None = None
    created_by: str | None = None
    updated_by: str | None = None
    created: datetime
    updated: datetime
    member_ids: tuple[str, ...] = ()
