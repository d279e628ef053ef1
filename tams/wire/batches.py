"""Bodies that hold many items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic_core import from_json

from tams.domain.batches import MAX_BATCH, of_batch
from tams.errors import Invalid
from tams.wire.technical import require_object
from tams.wire.values import whole

T = TypeVar("T")


def parse_batch(
    body: bytes, read: Callable[[dict[str, Any]], T], most: int = MAX_BATCH
) -> Sequence[T]:
    """Read an array of objects, each by `read`; raises `Invalid` that names the item's place."""
    try:
        items = whole(from_json(body, allow_inf_nan=False))
    except ValueError as error:
        raise Invalid("body", body, f"invalid JSON: {error}") from None
    if not isinstance(items, list) or not 0 < len(items) <= most:
        shown = len(items) if isinstance(items, list) else items
        raise Invalid("body", shown, f"it must be an array of 1 to {most} items")
    found = []
    for place, item in enumerate(items):
        with of_batch(place):
            found.append(read(require_object(item, "item")))
    return found
