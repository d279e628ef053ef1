"""A value as a source has it: text in the environment, JSON's kinds in a file."""

from __future__ import annotations

import json
from typing import NamedTuple

from tams.errors import BadSettings

_TRUTHS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


class Found(NamedTuple):
    """A value, and how an error names where it stands: `PORT in .env`."""

    value: object
    place: str

    @property
    def text(self) -> str:
        """As it would stand in the environment; empty for JSON's null."""
        if self.value is None:
            return ""
        if isinstance(self.value, list):
            return ",".join(map(str, self.value))
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)

    @property
    def number(self) -> int:
        """As a whole number; raises `BadSettings`."""
        try:
            return int(self.text)
        except ValueError:
            raise BadSettings(f"{self.place}: it must be a whole number") from None


def truth(found: Found) -> bool:
    """Read yes or no; raises `BadSettings`."""
    try:
        return _TRUTHS[found.text.strip().lower()]
    except KeyError:
        raise BadSettings(f"{found.place}: it must be true or false") from None


def texts(found: Found) -> list[str]:
    """Read a comma list, or one of JSON; raises `BadSettings`."""
    if not found.text.startswith("["):
        return [part.strip() for part in found.text.split(",") if part.strip()]
    try:
        return [str(part) for part in json.loads(found.text)]
    except ValueError:
        raise BadSettings(f"{found.place}: it must be a comma list, or a list of JSON") from None
