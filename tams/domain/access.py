"""Who asks, and what that lets them do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of an operation; `name` is None where nobody has to say who they are."""

    name: str | None = None


ANYONE = Principal()
