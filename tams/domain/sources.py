"""Sources (TAMS 8.2 `source`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from tams.domain.tags import TagFilter, Tags


class ContentFormat(StrEnum):
    """What kind of essence a Flow or Source holds (`content-format`)."""

    VIDEO = "urn:x-nmos:format:video"
    IMAGE = "urn:x-tam:format:image"
    AUDIO = "urn:x-nmos:format:audio"
    DATA = "urn:x-nmos:format:data"
    MULTI = "urn:x-nmos:format:multi"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMember:
    """A Source within the `source_collection` of another."""

    id: str
    role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMetadata:
    """What a client says of a Source that it makes."""

    id: str
    format: ContentFormat
    label: str | None = None
    description: str | None = None
    created_by: str | None = None
    updated_by: str | None = None
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A Source; the collections are derived from those of its Flows, in order."""

    id: str
    format: ContentFormat
    label: str | None = None
    description: str | None = None
    created_by: str | None = None
    updated_by: str | None = None
    created: datetime
    updated: datetime
    tags: Tags = field(default_factory=dict)
    source_collection: tuple[SourceMember, ...] = ()
    collected_by: tuple[str, ...] = ()
    is_lasting: bool = False
    """Whether it stays when its last Flow goes; one that a Flow brought with it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceQuery:
    """Filters of a listing of Sources; None leaves all through."""

    label: str | None = None
    format: ContentFormat | None = None
    tags: TagFilter = field(default_factory=TagFilter)
    collected_by: frozenset[str] | None = None
    """Ids of collectors, any of which will do; the empty set wants those that nothing collects."""


def derived_collection(
    collections: Sequence[Sequence[SourceMember]],
) -> tuple[SourceMember, ...]:
    """Merge what the Flows of one Source collect, each as Sources, into its `source_collection`.

    Members keep every order that a Flow gives them, and else that of their first appearance.
    Raises `ValueError` with the rule if Flows disagree on a role or on an order, in whatever order
    the Flows are given (statements 47 and 76).
    """
    roles: dict[str, str | None] = {}
    before: dict[str, set[str]] = {}
    for collection in collections:
        members: dict[str, str | None] = {}
        for member in collection:
            members.setdefault(member.id, member.role)
        for source_id, role in members.items():
            if roles.setdefault(source_id, role) != role:
                raise ValueError(
                    "the Flows of one Source must give a collected Source the same role"
                )
            before.setdefault(source_id, set())
        for earlier, later in pairwise(members):
            before[later].add(earlier)
    return tuple(SourceMember(id=source_id, role=roles[source_id]) for source_id in _order(before))


def _order(before: Mapping[str, Set[str]]) -> Iterator[str]:
    """Each of these ids after those that must come before it, else as they stand."""
    left = dict.fromkeys(before)
    while left:
        ready = next((one for one in left if before[one].isdisjoint(left)), None)
        if ready is None:
            raise ValueError("the Flows of one Source must collect Sources in the same order")
        del left[ready]
        yield ready
