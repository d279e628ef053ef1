"""Query parameters as the standard writes them, read from the raw query string."""

from __future__ import annotations

import re
from collections.abc import Set
from enum import StrEnum
from typing import TypeVar
from urllib.parse import unquote_to_bytes

from tams.domain.patterns import MIME_TYPE, check_uuid
from tams.domain.tags import TagFilter
from tams.domain.timerange import TimeRange
from tams.errors import Invalid

_FLAGS = {"true": True, "True": True, "false": False, "False": False}

MAX_TAG_CONDITIONS = 50
"""Each is a probe of its own in the statement, for every row that is looked at."""

E = TypeVar("E", bound=StrEnum)


class Query:
    """The parameters of one request; every method returns None for a parameter that is absent.

    With `only`, a parameter of any other name raises `Invalid`: it may be a filter, and what it was
    to keep out would be let through.
    """

    def __init__(self, query_string: bytes, *, only: Set[str] | None = None) -> None:
        pairs = (pair.partition("=") for pair in query_string.decode("latin-1").split("&") if pair)
        self._raw = {_decode("query", name): value for name, _, value in pairs}
        if only is not None and (unknown := self._raw.keys() - only):
            rule = f"it must have no parameter but {', '.join(sorted(only))}"
            raise Invalid("query", min(unknown), rule)

    @property
    def names(self) -> Set[str]:
        """Those of all parameters."""
        return self._raw.keys()

    def text(self, name: str) -> str | None:
        """One string."""
        raw = self._raw.get(name)
        return None if raw is None else _decode(name, raw)

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A comma list; a comma within a value is written %2C (decision on statement 109)."""
        raw = self._raw.get(name)
        return None if raw is None else tuple(_decode(name, part) for part in raw.split(","))

    def flag(self, name: str) -> bool | None:
        """A boolean."""
        text = self.text(name)
        if text is None:
            return None
        if text not in _FLAGS:
            raise Invalid(name, text, "it must be true or false")
        return _FLAGS[text]

    def integer(self, name: str) -> int | None:
        """A whole number."""
        text = self.text(name)
        if text is None:
            return None
        if re.fullmatch(r"-?[0-9]{1,18}", text) is None:
            raise Invalid(name, text, "it must be a whole number of at most 18 digits")
        return int(text)

    def choice(self, name: str, choices: type[E]) -> E | None:
        """One value of an enumeration."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return choices(text)
        except ValueError:
            raise Invalid(name, text, f"it must be one of {', '.join(choices)}") from None

    def timerange(self, name: str) -> TimeRange | None:
        """A timerange, clamped to what the store can hold."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return TimeRange.parse(text).clamped()
        except ValueError:
            raise Invalid(name, text, "it must be a timerange such as [0:0_10:0) or _") from None

    def uuid(self, name: str) -> str | None:
        """One id."""
        text = self.text(name)
        return None if text is None else check_uuid(name, text)

    def uuids(self, name: str) -> frozenset[str] | None:
        """A comma list of ids, which may be empty."""
        text = self.text(name)
        if text is None:
            return None
        return (
            frozenset(check_uuid(name, part) for part in text.split(",")) if text else frozenset()
        )

    def mime_type(self, name: str) -> str | None:
        """A MIME type."""
        text = self.text(name)
        if text is not None and MIME_TYPE.fullmatch(text) is None:
            raise Invalid(name, text, "it must be a MIME type such as video/h264")
        return text

    def tags(self, prefix: str = "tag") -> TagFilter:
        """The conditions `{prefix}.{name}=a,b` and `{prefix}_exists.{name}=true`; not too many."""
        equals: dict[str, tuple[str, ...]] = {}
        exists: dict[str, bool] = {}
        for name in self._raw:
            if name.startswith(f"{prefix}."):
                equals[name.removeprefix(f"{prefix}.")] = self.texts(name) or ()
            elif name.startswith(f"{prefix}_exists."):
                exists[name.removeprefix(f"{prefix}_exists.")] = bool(self.flag(name))
        number = len(equals) + len(exists)
        if number > MAX_TAG_CONDITIONS:
            rule = f"a request may have {MAX_TAG_CONDITIONS} conditions on tags"
            raise Invalid(f"{prefix}.{{name}}", number, rule)
        return TagFilter(equals, exists)


def _decode(name: str, raw: str) -> str:
    try:
        text = unquote_to_bytes(raw.replace("+", " ").encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise Invalid(name, raw, "it must be percent-encoded UTF-8") from None
    if "\0" in text:
        raise Invalid(name, text, "it must not hold a NUL character")
    return text
