"""Sources (TAMS 8.2 `source`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

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

    Raises `ValueError` with the rule if two of them disagree on a role or on the order of the
    members they share (statements 47 and 76).
    """
    roles: dict[str, str | None] = {}
    order: list[str] = []
    for collection in collections:
        members: dict[str, str | None] = {}
        for member in collection:
            members.setdefault(member.id, member.role)
        shared = [source_id for source_id in members if source_id in roles]
        if shared != [source_id for source_id in order if source_id in members]:
            raise ValueError("the Flows of one Source must collect Sources in the same order")
        if any(roles[source_id] != members[source_id] for source_id in shared):
            raise ValueError("the Flows of one Source must give a collected Source the same role")
        order += [source_id for source_id in members if source_id not in roles]
        roles.update(members)
    return tuple(SourceMember(id=source_id, role=roles[source_id]) for source_id in order)
