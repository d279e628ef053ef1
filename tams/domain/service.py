"""What the service says of itself (TAMS 8.2 `service`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class ServiceDescription:
    """The two properties that clients may change; None is unset."""

    name: str | None = None
    description: str | None = None


class EventStreamMechanism(NamedTuple):
    """A way of being told of events beside webhooks, and its path."""

    name: str
    path: str


EVENT_STREAMS = {
    "event-stream": (
        EventStreamMechanism("server-sent-events", "/events/stream"),
        EventStreamMechanism("websocket", "/events/ws"),
    )
}
"""By the extension that has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePromises:
    """What the deployment settles; timeouts are in seconds."""

    version: str
    extensions: tuple[str, ...] = ()
    """What there is beside the standard, by name."""
    event_streams: tuple[EventStreamMechanism, ...] = ()
    min_object_timeout: int
    min_presigned_url_timeout: int
