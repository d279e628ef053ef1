"""Profiles, and what they mean for the Flows that are made from them (TAMS 8.2 `profile`)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from tams.domain.flows import Flow, FlowCommon, FlowMetadata, FlowTechnical
from tams.domain.records import values_of
from tams.domain.sources import ContentFormat
from tams.domain.tags import Tags
from tams.errors import Invalid

TECHNICAL = tuple(one.name for one in fields(FlowTechnical))
"""The properties that a Flow takes from its Profile (statement 31)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileMetadata:
    """What clients say of a Profile, once and for all."""

    id: str
    flow_metadata: FlowTechnical
    label: str | None = None
    description: str | None = None
    tags: Tags = field(default_factory=dict)
    """Of the Profile itself; its Flows do not take them."""
    created_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(ProfileMetadata):
    """A Profile as the store keeps it; it never changes."""

    created: datetime

    def flow(self, common: FlowCommon) -> FlowMetadata:
        """The metadata of a Flow of this Profile."""
        technical = values_of(FlowTechnical, self.flow_metadata)
        return FlowMetadata(**values_of(FlowCommon, common), **technical)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileQuery:
    """Filters of a listing of Profiles; None leaves all through."""

    format: ContentFormat | None = None
    codec: str | None = None
    label: str | None = None


def profile_after(old: Flow, new: FlowMetadata) -> str | None:
    """The id of the Profile that a Flow has after its metadata is replaced.

    A link to a Profile of which `new` says nothing is kept. Raises `Invalid` if `new` says nothing
    of it and differs from what the Profile fixes (statements 33 and 40).
    """
    if new.profile_id is not None:
        return new.profile_id or None
    if old.profile_id is not None:
        for name in TECHNICAL:
            if getattr(new, name) != getattr(old, name):
                raise _inherited(old.profile_id, name, getattr(new, name))
    return old.profile_id


def with_technical(flow: Flow, name: str, value: object) -> Flow:
    """The Flow with one technical property changed; raises `Invalid` if it has a Profile."""
    if flow.profile_id is not None:
        raise _inherited(flow.profile_id, name, value)
    change: dict[str, Any] = {name: value}
    return replace(flow, **change)


def _inherited(profile_id: str, name: str, value: object) -> Invalid:
    return Invalid(
        name,
        value,
        f"it must stay as Profile {profile_id} has it; to part with the Profile, PUT the Flow with"
        ' profile_id "" and all of its technical properties',
    )
