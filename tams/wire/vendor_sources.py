"""Sources as clients of the vendor's write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_json

from tams.domain.patterns import check_uuid
from tams.domain.sources import ContentFormat, SourceMetadata
from tams.errors import Invalid
from tams.wire.values import check_values, parse
from tams.wire.vendor_values import first, given, read_format, read_tags

_METADATA: TypeAdapter[SourceMetadata] = TypeAdapter(SourceMetadata)
_AS_IT_IS = ("id", "description", "created_by", "updated_by")


def vendor_source(document: dict[str, Any], new_id: Callable[[], str]) -> SourceMetadata:
    """Read a Source to make; raises `Invalid`.

    `name` is its label. `type` is its format, if it names one, else a tag, and the format is video;
    so is `location` a tag. An id that is missing is made by `new_id`. What the server manages is
    ignored.
    """
    known = given(document)
    content, kind = read_format(known)
    if content is None and kind is None:
        raise Invalid("format", None, f"it must be given: one of {', '.join(ContentFormat)}")
    found = {
        **{name: known[name] for name in _AS_IT_IS if name in known},
        "format": content or ContentFormat.VIDEO,
        "label": first(known, "label", "name"),
        "tags": read_tags(known, type=kind, location=known.get("location")),
    }
    found.setdefault("id", new_id())
    check_values(found, ())
    source = parse(_METADATA, to_json(found))
    check_uuid("id", source.id)
    return source
