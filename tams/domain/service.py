"""What the service says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceDescription:
    """The two properties that clients may change; None is unset."""

    name: str | None = None
    description: str | None = None
