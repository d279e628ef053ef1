"""Profiles to and from JSON (TAMS 8.2 `profile`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NotRequired

from pydantic import TypeAdapter
from pydantic_core import to_json
from typing_extensions import TypedDict

from tams.domain.flows import FlowTechnical
from tams.domain.patterns import check_uuid
from tams.domain.profiles import TECHNICAL, Profile, ProfileMetadata
from tams.domain.sources import ContentFormat
from tams.domain.tags import Tags
from tams.errors import Invalid
from tams.wire.technical import known, parse_technical, read_object, require_object
from tams.wire.values import parse, present, timestamp_text


class Own(TypedDict):
    """What clients say of the Profile itself."""

    id: str
    label: NotRequired[str]
    description: NotRequired[str]
    tags: NotRequired[Tags]
    created_by: NotRequired[str]


_OWN = TypeAdapter(Own)
_TECHNICAL = TypeAdapter(FlowTechnical)


def parse_profile(body: bytes) -> ProfileMetadata:
    """Read the body of POST /service/profiles/{profileId}; raises `Invalid`.

    Keys that a client does not set are ignored, whatever they hold: a Profile can be POSTed to
    another store as it was read.
    """
    document = read_object(body)
    own = parse(_OWN, to_json(known(document, Own.__annotations__)))
    check_uuid("id", own["id"])
    return ProfileMetadata(**own, flow_metadata=_parse_flow_metadata(document.get("flow_metadata")))


def _parse_flow_metadata(value: object) -> FlowTechnical:
    field = "flow_metadata"
    found = known(require_object(value, field), TECHNICAL, field)
    if found.get("format") == ContentFormat.MULTI:
        rule = "it must be video, audio, image or data; a multi-essence Flow has no Profile"
        raise Invalid(f"{field}.format", ContentFormat.MULTI, rule)
    return parse_technical(_TECHNICAL, found, field)


def profile_fields(profile: Profile) -> dict[str, Any]:
    """The properties of a Profile that are set."""
    return present(
        {
            "id": profile.id,
            "label": profile.label,
            "description": profile.description,
            "created_by": profile.created_by,
            "created": timestamp_text(profile.created),
            "tags": dict(profile.tags) or None,
            "flow_metadata": _TECHNICAL.dump_python(
                profile.flow_metadata, mode="json", exclude_none=True
            ),
        }
    )


def profile_json(profile: Profile) -> bytes:
    """The body of GET /service/profiles/{profileId}."""
    return json.dumps(profile_fields(profile)).encode()


def profiles_json(profiles: Sequence[Profile]) -> bytes:
    """The body of GET /service/profiles."""
    return json.dumps([profile_fields(profile) for profile in profiles]).encode()
