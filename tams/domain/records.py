"""Frozen values that share properties."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def values_of(kind: type[DataclassInstance], record: DataclassInstance) -> dict[str, Any]:
    """The values of the fields that this dataclass declares, by name."""
    return {one.name: getattr(record, one.name) for one in fields(kind)}
