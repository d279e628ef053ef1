"""Ids of Objects to reserve, as clients of the vendor's write them, and as they are answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tams.domain.numbers import MAX_INTEGER
from tams.domain.objects import NewReservation, ReservedObject, check_object_id
from tams.errors import Invalid
from tams.wire.values import check_values, present, timestamp_text
from tams.wire.vendor_values import first, given, require_text


def vendor_object(document: dict[str, Any]) -> NewReservation:
    """Read an id to reserve, as `id` or `object_id`, and a `size`; raises `Invalid`.

    What the server manages is ignored: an Object has references once Segments use it.
    """
    known = given(document)
    object_id = first(known, "id", "object_id")
    if object_id is not None:
        object_id = require_text("id", object_id)
        check_values(object_id, (), "id")
        check_object_id("id", object_id)
    size = known.get("size")
    if size is not None and (
        not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= MAX_INTEGER
    ):
        raise Invalid("size", size, "it must be a number of bytes, 0 or more")
    return NewReservation(object_id, size)


def reserved_json(reserved: ReservedObject) -> bytes:
    """The body of a 201 to POST /objects."""
    return json.dumps(_fields(reserved)).encode()


def reserved_many_json(reserved: Sequence[ReservedObject]) -> bytes:
    """The body of a 201 to POST /objects/batch."""
    return json.dumps([_fields(one) for one in reserved]).encode()


def _fields(reserved: ReservedObject) -> dict[str, Any]:
    return present(
        {
            "id": reserved.id,
            "referenced_by_flows": [],
            "size": reserved.size,
            "created": timestamp_text(reserved.created),
            "created_by": reserved.created_by,
        }
    )
