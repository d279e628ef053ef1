"""Collections by name, to and from JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from tams.domain.named_collections import MAX_MEMBERS, Member, NamedCollection, NewCollection
from tams.domain.patterns import check_uuid
from tams.errors import Invalid
from tams.wire.technical import read_object
from tams.wire.values import Text, check_values, parse, present, timestamp_text

_IDS: TypeAdapter[tuple[str, ...]] = TypeAdapter(tuple[Text, ...])


def parse_named_collection(body: bytes, holds: Member) -> NewCollection:
    """Read the body of POST /collections or /source-collections; raises `Invalid`.

    The id is `id` or `collection_id`, the label `label` or `name`; members are ids, or objects
    with an `id`, under `flow_ids` or `source_ids`, `flows` or `sources`, or `members`.
    """
    given = {name: value for name, value in read_object(body).items() if value is not None}
    check_values(given, ())
    collection_id = given.get("id", given.get("collection_id"))
    label = _text(given, "label", "name")
    if not label:
        raise Invalid("label", label, "it must be given, and not be empty")
    return NewCollection(
        id=None if collection_id is None else check_id("id", collection_id),
        label=label,
        description=_text(given, "description"),
        member_ids=_member_ids(given, holds),
    )


def parse_collection_ids(body: bytes) -> Sequence[str]:
    """Read the body of PUT /sources/{sourceId}/source_collection; raises `Invalid`."""
    ids = parse(_IDS, body, "source_collection")
    for place, one in enumerate(ids):
        check_uuid(f"source_collection.{place}", one)
    return tuple(dict.fromkeys(ids))


def named_collection_fields(collection: NamedCollection) -> dict[str, Any]:
    """The properties that are set; members are ids, in their order."""
    return present(
        {
            "id": collection.id,
            "label": collection.label,
            "description": collection.description,
            "created_by": collection.created_by,
            "updated_by": collection.updated_by,
            "created": timestamp_text(collection.created),
            "updated": timestamp_text(collection.updated),
            f"{collection.holds}_ids": list(collection.member_ids),
        }
    )


def named_collection_json(collection: NamedCollection) -> bytes:
    """The body of GET /collections/{collectionId}."""
    return json.dumps(named_collection_fields(collection)).encode()


def named_collections_json(collections: Sequence[NamedCollection]) -> bytes:
    """The body of GET /collections."""
    return json.dumps([named_collection_fields(one) for one in collections]).encode()


def check_id(field: str, value: object) -> str:
    """Return a value that is a UUID by the standard's pattern; raises `Invalid`."""
    return check_uuid(field, value if isinstance(value, str) else repr(value))


def _text(given: dict[str, Any], *names: str) -> str | None:
    for name in names:
        if name in given:
            if not isinstance(given[name], str):
                raise Invalid(name, given[name], "it must be a string")
            return str(given[name])
    return None


def _member_ids(given: dict[str, Any], holds: Member) -> tuple[str, ...]:
    names = (f"{holds}_ids", f"{holds}s", "members")
    name = next((name for name in names if name in given), None)
    if name is None:
        return ()
    if not isinstance(given[name], list):
        raise Invalid(name, given[name], "it must be an array of ids")
    if len(given[name]) > MAX_MEMBERS:
        raise Invalid(name, len(given[name]), f"there may be at most {MAX_MEMBERS}")
    ids = [
        check_id(f"{name}.{place}", one.get("id") if isinstance(one, dict) else one)
        for place, one in enumerate(given[name])
    ]
    return tuple(dict.fromkeys(ids))
