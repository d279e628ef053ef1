"""The technical properties of Flows and Profiles from JSON (TAMS 8.2 `flow-technical`)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from tams.domain import flows as domain
from tams.domain.flows import (
    AudioParameters,
    DataParameters,
    EssenceParameters,
    FlowTechnical,
    ImageParameters,
    MultiParameters,
    VideoParameters,
)
from tams.domain.sources import ContentFormat
from tams.errors import Invalid
from tams.wire.values import check_values, parse, whole

NAMES = frozenset(
    field.name for kind in vars(domain).values() if is_dataclass(kind) for field in fields(kind)
)
"""Every property that a Flow has, at any depth."""

_MIME_TYPE = re.compile(r"[^\s/]+/[^\s/]+")
_ESSENCE: dict[ContentFormat, TypeAdapter[Any]] = {
    ContentFormat.VIDEO: TypeAdapter(VideoParameters),
    ContentFormat.AUDIO: TypeAdapter(AudioParameters),
    ContentFormat.IMAGE: TypeAdapter(ImageParameters),
    ContentFormat.DATA: TypeAdapter(DataParameters),
    ContentFormat.MULTI: TypeAdapter(MultiParameters),
}

T = TypeVar("T", bound=FlowTechnical)


def read_object(body: bytes) -> dict[str, Any]:
    """Read a body that is a JSON object; raises `Invalid`."""
    try:
        document = whole(from_json(body, allow_inf_nan=False))
    except ValueError as error:
        raise Invalid("body", body, f"invalid JSON: {error}") from None
    return require_object(document, "body")


def require_object(value: object, field: str) -> dict[str, Any]:
    """Return a value that is a JSON object; raises `Invalid`."""
    if not isinstance(value, dict):
        raise Invalid(field, value, "it must be a JSON object")
    return value


def known(document: dict[str, Any], names: Collection[str], field: str = "") -> dict[str, Any]:
    """The properties of these names; raises `Invalid` for a null that should be an absence.

    Others are ignored, whatever they hold.
    """
    found = {name: value for name, value in document.items() if name in names}
    check_values(found, NAMES, field)
    return found


def parse_technical(adapter: TypeAdapter[T], found: dict[str, Any], field: str = "") -> T:
    """Read known properties as the adapter's type; raises `Invalid`.

    Unlike other properties, each of the `essence_parameters` must be one that the format has.
    """
    rest = {name: value for name, value in found.items() if name != "essence_parameters"}
    value = parse(adapter, to_json(rest), field or "body")
    _check(value, field)
    essence = _essence(value.format, found.get("essence_parameters"), field)
    return replace(value, essence_parameters=essence)


def _check(value: FlowTechnical, field: str) -> None:
    for name, text in (("codec", value.codec), ("container", value.container)):
        if text is not None and not _MIME_TYPE.fullmatch(text):
            raise Invalid(_within(field, name), text, "it must be a MIME type such as video/h264")
    if value.codec is None and value.format != ContentFormat.MULTI:
        raise Invalid(_within(field, "codec"), None, "a Flow of this format needs one")


def _essence(content: ContentFormat, essence: object, field: str) -> EssenceParameters | None:
    where = _within(field, "essence_parameters")
    if essence is None:
        if content == ContentFormat.MULTI:
            return None
        raise Invalid(where, None, "a Flow of this format needs them")
    found: EssenceParameters = parse(_ESSENCE[content], to_json(essence), where)
    return found


def _within(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name
