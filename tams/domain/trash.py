"""What was deleted, when and by whom, and whether it can be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, NamedTuple, TypeVar

from tams.domain.access import Principal
from tams.domain.timerange import TimeRange

DeletedKind = Literal["source", "flow", "segments", "object"]
RecordState = Literal["deleted", "restorable", "restored", "purged"]
Shown = Literal["include", "only"]
"""Whether a listing shows what can be taken back beside the others, or alone."""

COUNTED = 1000
"""Up to how many Segments are counted; of more it is told that they are more."""

SYSTEM = "system"
"""Who deletes where nobody says a name."""

T = TypeVar("T")


class Manner(NamedTuple):
    """How something is to be deleted."""

    soft: bool
    cascade: bool
    deleted_by: str | None = None

    def by(self, who: Principal) -> str:
        """Who is told to have deleted it."""
        return self.deleted_by or who.name or SYSTEM


class Count(NamedTuple):
    """How many there are; `COUNTED` of what is `more`."""

    number: int
    more: bool = False

    @classmethod
    def of(cls, found: int) -> Count:
        """Of what was counted up to one more than `COUNTED`."""
        return cls(min(found, COUNTED), found > COUNTED)

    def __str__(self) -> str:
        return f"more than {self.number}" if self.more else str(self.number)


NONE = Count(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """What went along with a deletion, besides what it names."""

    flow_ids: tuple[str, ...] = ()
    source_id: str | None = None
    """A Source that went with its last Flow."""
    segments: Count = NONE
    timerange: TimeRange | None = None
    """Of a deletion of Segments: from where to where it was to go."""
    object_id: str | None = None
    """Of a deletion of Segments: whose alone, if not all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionRecord:
    """A deletion, as it is remembered; `entity_id` is the Flow's where Segments were deleted."""

    id: str
    kind: DeletedKind
    entity_id: str
    deleted_at: datetime
    deleted_by: str
    principal: str | None = None
    """Who asked for it, where callers have to say who they are."""
    soft: bool
    cascade: bool
    state: RecordState
    settled: datetime | None = None
    """When it was taken back, or became final."""
    affected: Affected = Affected()


class Trashed(NamedTuple, Generic[T]):
    """A Source or Flow of a listing; `record` says how it was deleted, if it was."""

    item: T
    record: DeletionRecord | None
