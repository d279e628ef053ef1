"""Texts to which the standard gives a pattern, always of the whole text."""

from __future__ import annotations

import re

from tams.errors import Invalid

UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

MIME_TYPE = re.compile(
    r"(application|audio|font|example|image|message|model|multipart|text|video"
    r"|x-(?:[0-9A-Za-z!#$%&'*+.^_`|~-]+))/([0-9A-Za-z!#$%&'*+.^_`|~-]+)"
)
"""Of queries and of storage requests; a Flow's `codec` and `container` may be less strict."""


def check_uuid(field: str, text: str) -> str:
    """Return the text; raise `Invalid` if it is no UUID by the standard's pattern."""
    if UUID.fullmatch(text) is None:
        raise Invalid(field, text, "it must be a lower-case UUID of version 1 to 5")
    return text
