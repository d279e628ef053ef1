"""What the JSON values of the standard share: strictness, times, tags, and readable refusals."""

from __future__ import annotations

import re
from collections.abc import Container
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, TypeAdapter, ValidationError
from pydantic_core import from_json

from tams.domain.tags import Tags, TagValue
from tams.errors import Invalid

T = TypeVar("T")


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("it must not hold a NUL character")
    return text


def whole(value: object) -> object:
    """The value with each number like 1.0, which JSON Schema calls an integer, as an integer."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(inner) for inner in value]
    if isinstance(value, dict):
        return {name: whole(inner) for name, inner in value.items()}
    return value


WHOLE = BeforeValidator(whole)

Text = Annotated[str, AfterValidator(_without_nul)]

_TEXT: TypeAdapter[str] = TypeAdapter(Text)
_FLAG: TypeAdapter[bool] = TypeAdapter(bool)
_TAG: TypeAdapter[TagValue] = TypeAdapter(Text | tuple[Text, ...])
_TAGS: TypeAdapter[Tags] = TypeAdapter(dict[Text, Text | tuple[Text, ...]])


def matching(pattern: re.Pattern[str], rule: str) -> AfterValidator:
    """Let pass what the pattern matches as a whole; `rule` says so to others."""

    def check(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise ValueError(rule)
        return text

    return AfterValidator(check)


def parse(adapter: TypeAdapter[T], body: bytes, field: str = "body") -> T:
    """Read JSON as the adapter's type; raises `Invalid` that names the field and the rule."""
    refuse_constants(body, field)
    try:
        return adapter.validate_json(body, strict=True)
    except ValidationError as refusal:
        raise invalid(refusal, field) from None


def refuse_constants(body: bytes, field: str = "body") -> None:
    """Raise `Invalid` for a bare NaN or Infinity, which the parser takes and JSON does not."""
    if b"NaN" in body or b"Infinity" in body:
        try:
            from_json(body, allow_inf_nan=False)
        except ValueError as error:
            raise Invalid(field, body, f"invalid JSON: {error}") from None


def invalid(refusal: ValidationError, field: str = "body") -> Invalid:
    """The first complaint of a validation, as the API says it; one of our own rules if broken."""
    errors = refusal.errors(include_url=False)
    error = next((one for one in errors if one["type"] == "value_error"), errors[0])
    parts = [str(part) for part in error["loc"]]
    named = [part for part in parts if part != "str" and "[" not in part]
    where = ".".join(named if field == "body" else [field, *named])
    if error["type"] == "missing":
        return Invalid(where, None, "it must be given")
    rule = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return Invalid(where or field, error["input"], _sentence(rule))


def _sentence(rule: str) -> str:
    starts = ("a valid", "greater", "less", "true", "false", "'", "an ", "a ")
    return f"it must be {rule}" if rule.startswith(starts) else rule[:1].lower() + rule[1:]


def parse_text(body: bytes, field: str) -> str:
    """A bare JSON string."""
    return parse(_TEXT, body, field)


def parse_flag(body: bytes, field: str) -> bool:
    """A bare JSON boolean."""
    return parse(_FLAG, body, field)


def parse_tag(body: bytes, field: str) -> TagValue:
    """A bare tag value: a JSON string, or an array of strings."""
    return parse(_TAG, body, field)


def parse_tags(body: bytes) -> Tags:
    """All the tags of a resource, by name."""
    return parse(_TAGS, body, "tags")


def check_values(value: object, names: Container[str], field: str = "") -> None:
    """Raise `Invalid` for a member of these names that is null, and for a NUL character anywhere.

    Whatever has another name is ignored, so may be null.
    """
    if isinstance(value, str) and "\0" in value:
        raise Invalid(field, value, "it must not hold a NUL character")
    if isinstance(value, dict):
        for name, inner in value.items():
            where = f"{field}.{name}".lstrip(".")
            if inner is None and name in names:
                raise Invalid(where, None, "it must be left out rather than null")
            check_values(name, names, where)
            check_values(inner, names, where)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            check_values(inner, names, f"{field}.{position}")


def timestamp_text(moment: datetime) -> str:
    """A time of day as RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def present(values: dict[str, Any]) -> dict[str, Any]:
    """Without the properties that are not set: absent, never null."""
    return {name: value for name, value in values.items() if value is not None}
