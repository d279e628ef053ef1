"""How values are written by clients of the vendor's: several ways are read, all as one."""

from __future__ import annotations

import re
from typing import Any

from tams.domain.sources import ContentFormat
from tams.errors import Invalid

_RATIO = re.compile(r"([0-9]{1,18})(?:[/:]([0-9]{1,18}))?")
_WORDS = {each.value.rpartition(":")[2]: each for each in ContentFormat}


def given(document: dict[str, Any]) -> dict[str, Any]:
    """What is not null: these clients write null for what they leave out."""
    return {name: value for name, value in document.items() if value is not None}


def first(document: dict[str, Any], *names: str) -> object:
    """What stands under the first of these names that is there, else None."""
    return next((document[name] for name in names if name in document), None)


def require_text(field: str, value: object) -> str:
    """Return a value that is a string; raises `Invalid`."""
    if not isinstance(value, str):
        raise Invalid(field, value, "it must be a string")
    return value


def format_named(word: object) -> ContentFormat | None:
    """The format that a word such as `VideoFlow`, `audio` or the URN itself means, if it does."""
    if not isinstance(word, str):
        return None
    short = word.lower().removesuffix("flow").removesuffix("source").rstrip(" -_")
    return next((each for each in ContentFormat if each.value == word), _WORDS.get(short))


def read_format(document: dict[str, Any]) -> tuple[ContentFormat | None, str | None]:
    """The format of a Source or Flow by its `format` or `type`; and a `type` that is none.

    Raises `Invalid` for a `format` that is none.
    """
    word = document.get("format")
    found = format_named(word)
    if word is not None and found is None:
        raise Invalid("format", word, f"it must be one of {', '.join(ContentFormat)}")
    kind = document.get("type")
    if kind is None:
        return found, None
    meant = format_named(kind)
    if meant is not None:
        return found or meant, None
    return found, require_text("type", kind)


def read_tags(document: dict[str, Any], **more: object) -> dict[str, Any]:
    """The tags, and beside them what has no property of its own; raises `Invalid`.

    A tag that is given wins.
    """
    tags = document.get("tags", {})
    if not isinstance(tags, dict):
        raise Invalid("tags", tags, "it must be an object of strings and arrays of strings")
    told = {name: require_text(name, value) for name, value in given(more).items()}
    return {**told, **tags}


def read_ratio(field: str, value: object) -> dict[str, Any]:
    """A quotient from "25/1", "25:1", "25", 25 or an object; raises `Invalid`."""
    if isinstance(value, dict):
        return {"denominator": 1, **given(value)}
    if isinstance(value, int) and not isinstance(value, bool):
        return {"numerator": value, "denominator": 1}
    found = _RATIO.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Invalid(field, value, 'it must be a quotient such as "25/1" or "30000:1001"')
    return {"numerator": int(found[1]), "denominator": int(found[2] or 1)}


def read_rate(field: str, value: object) -> object:
    """A whole number from "48000", "48000:1" or 48000; raises `Invalid` for a broken one."""
    if not isinstance(value, str):
        return value
    ratio = read_ratio(field, value)
    whole, rest = divmod(ratio["numerator"], ratio["denominator"] or 1)
    if rest or not ratio["denominator"]:
        raise Invalid(field, value, "it must be a whole number")
    return whole
