"""What the service says of itself (TAMS 8.2 `service`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceDescription:
    """The two properties that clients may change; None is unset."""

    name: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePromises:
    """What the deployment settles; timeouts are in seconds."""

    version: str
    extensions: tuple[str, ...] = ()
    """What there is beside the standard, by name."""
    min_object_timeout: int
    min_presigned_url_timeout: int
