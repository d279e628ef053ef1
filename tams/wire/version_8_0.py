"""TAMS 8.0, as far as it is not 8.1: no time-outs in the service, and what is not set is a 404."""

from __future__ import annotations

from tams.errors import NotFound
from tams.wire.version_steps import Json, Step, without

VERSION = "8.0"


def _property(document: Json) -> Json:
    if document is None:
        raise NotFound("value", "of this property, since it is not set")
    return document


STEP = Step(
    version=VERSION,
    answers={
        "service": without("min_object_timeout", "min_presigned_url_timeout"),
        "property": _property,
    },
    clips=True,
)
