"""Webhooks, as a catalogue keeps them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from tams.domain.error_reports import ErrorReport
from tams.domain.pages import Page, PageRequest
from tams.domain.tags import TagFilter
from tams.domain.webhooks import ClaimedWebhook, Progress, Webhook


class Webhooks(ABC):
    """Webhooks with their secrets, and how far each has been served from the log of events."""

    @abstractmethod
    async def get(self, webhook_id: str) -> Webhook | None:
        """Return the webhook."""

    @abstractmethod
    async def lock(self, webhook_id: str) -> Webhook | None:
        """Return the webhook and keep others from changing it until the work ends."""

    @abstractmethod
    async def lock_all_at(self, url: str) -> Sequence[Webhook]:
        """Return the webhooks of a URL, the oldest first, kept from change until the work ends."""

    @abstractmethod
    async def add(self, webhook: Webhook) -> None:
        """Store a new webhook, to be served from the present end of the log."""

    @abstractmethod
    async def replace(self, webhook: Webhook, *, from_now: bool) -> None:
        """Store a locked webhook; it is due at once, and whoever serves it loses the claim.

        `from_now` passes over what is in the log, else it goes on from where it stands, or from
        the oldest event that is left.
        """

    @abstractmethod
    async def remove(self, webhook_id: str) -> bool:
        """Drop a webhook; False if there is none."""

    @abstractmethod
    async def list(self, tags: TagFilter, page: PageRequest) -> Page[Webhook]:
        """One page by URL (statement 247); raises `Invalid` for a page key of something else."""

    @abstractmethod
    async def count(self, tags: TagFilter) -> int:
        """How many webhooks pass."""

    @abstractmethod
    async def claim(self, now: datetime, lease_until: datetime) -> ClaimedWebhook | None:
        """Take the webhook that has been due longest, that nobody holds and that has work.

        That is one for which the log goes on, or which is new; it is `started` then.
        """

    @abstractmethod
    async def settle(
        self, claimed: ClaimedWebhook, progress: Progress, error: ErrorReport | None = None
    ) -> bool:
        """Store how far it came, and why it is given up, if it is.

        False, with nothing changed, if the webhook has been changed, removed, given up or claimed
        again.
        """
