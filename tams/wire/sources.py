"""Sources as JSON (TAMS 8.2 `source`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tams.domain.sources import Source
from tams.wire.values import present, timestamp_text


def source_fields(source: Source) -> dict[str, Any]:
    """The properties of a Source that are set."""
    collection = [
        present({"id": member.id, "role": member.role}) for member in source.source_collection
    ]
    return present(
        {
            "id": source.id,
            "format": source.format,
            "label": source.label,
            "description": source.description,
            "created_by": source.created_by,
            "updated_by": source.updated_by,
            "created": timestamp_text(source.created),
            "updated": timestamp_text(source.updated),
            "tags": dict(source.tags) or None,
            "source_collection": collection or None,
            "collected_by": list(source.collected_by) or None,
        }
    )


def source_json(source: Source) -> bytes:
    """The body of GET /sources/{sourceId}."""
    return json.dumps(source_fields(source)).encode()


def sources_json(sources: Sequence[Source]) -> bytes:
    """The body of GET /sources."""
    return json.dumps([source_fields(source) for source in sources]).encode()
