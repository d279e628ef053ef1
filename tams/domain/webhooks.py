"""Webhooks: who is told of which events, and how far that has come (TAMS 8.2 `webhook`)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from tams.domain.error_reports import ErrorReport
from tams.domain.event_filters import EventFilter
from tams.domain.records import values_of
from tams.domain.tags import Tags
from tams.errors import Invalid

WebhookStatus = Literal["created", "started", "disabled", "error"]
AskedStatus = Literal["created", "disabled"]
"""What clients may set; the server alone starts a webhook, or gives it up (statement 271)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookMetadata(EventFilter):
    """What clients say of a webhook; what they leave out is None."""

    url: str
    api_key_name: str | None = None
    tags: Tags = field(default_factory=dict)
    dialect: str | None = None
    """The name of the dialect in which it was said, such as `v7.0`; its events speak that too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook(WebhookMetadata):
    """A webhook that is registered; the secret is never shown."""

    id: str
    status: WebhookStatus
    error: ErrorReport | None = None
    api_key_value: str | None = field(default=None, repr=False)
    created_by: str | None = None
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """What a client asks for, by POST or PUT."""

    metadata: WebhookMetadata
    status: AskedStatus = "created"
    api_key_value: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.api_key_value is not None and self.metadata.api_key_name is None:
            raise Invalid("api_key_name", None, "it must be given with an api_key_value")

    @property
    def values(self) -> dict[str, Any]:
        """The properties of a webhook that the client decides."""
        return values_of(WebhookMetadata, self.metadata) | {
            "status": self.status,
            "api_key_value": self.api_key_value,
        }

    def changed(self, old: Webhook) -> Webhook:
        """The webhook as asked; raises `Invalid` where its status cannot become that.

        The secret is kept while its name is the same and no other is given (decision on 269),
        since clients cannot read it.
        """
        if old.status == "error" and self.status == "disabled":
            raise Invalid("status", self.status, "a webhook in error can only be created again")
        secret = self.api_key_value
        if secret is None and self.metadata.api_key_name == old.api_key_name:
            secret = old.api_key_value
        return replace(old, **self.values | {"api_key_value": secret, "error": None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a webhook has come, and when it is to be looked at again."""

    position: int
    """Number of the last event that is sent or not wanted."""
    due: datetime
    failures: int = 0
    """How often the next event has failed."""
    failing_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedWebhook:
    """A webhook that this worker serves until its lease ends, in the catalogue's own keys."""

    key: int
    claim: int
    webhook: Webhook
    progress: Progress
