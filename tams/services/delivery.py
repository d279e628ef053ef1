"""Numbers events, and says which webhook is to be sent which; `workers/webhooks.py` sends them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.clock import Clock
from tams.domain.error_reports import ErrorReport
from tams.domain.events import PublishedEvent
from tams.domain.storage import Signer, Signers
from tams.domain.webhooks import ClaimedWebhook, Progress, Webhook
from tams.services.event_log import PUBLISHED_AT_ONCE, located

_log = structlog.get_logger(__name__)

BATCH = 100
"""How many stored events are read, and may be sent again after a crash, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How long to wait for a receiver that fails; all times in seconds.

    The delay doubles from `first` up to `longest`, each with up to a tenth more or less by chance;
    a webhook that has failed for `give_up` becomes one in error.
    """

    first: float
    longest: float
    give_up: float

    def delay(self, failures: int) -> timedelta:
        """How long to wait after so many failures on end."""
        doubled = min(self.first * 2 ** min(failures - 1, 32), self.longest)
        return timedelta(seconds=doubled * random.uniform(0.9, 1.1))  # noqa: S311 - no secret


class Batch(NamedTuple):
    """Events that a webhook wants, and the number up to which the log holds no others."""

    events: Sequence[PublishedEvent]
    position: int


class Delivery:
    """The state of delivery: any number of workers may share it, and any of them may die.

    `lease` is how long a claimed webhook belongs to its worker, unless `served` renews it;
    `base_url` is where receivers reach this server.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        signers: Signers,
        clock: Clock,
        *,
        retries: Retries,
        lease: timedelta,
        base_url: str,
    ) -> None:
        self._catalogue = catalogue
        self._signers = signers
        self._clock = clock
        self._retries = retries
        self._lease = lease
        self._base_url = base_url

    async def publish(self) -> bool:
        """Number some events that are durable by now; False if there is none."""

        async def work(tx: Transaction) -> int:
            return await tx.events.publish(PUBLISHED_AT_ONCE)

        return await self._catalogue.write(work) > 0

    async def claim(self) -> ClaimedWebhook | None:
        """Take the webhook that has been due longest, if any is."""

        async def work(tx: Transaction) -> ClaimedWebhook | None:
            now = self._clock()
            return await tx.webhooks.claim(now, now + self._lease)

        return await self._catalogue.write(work)

    def signer(self, webhook: Webhook) -> Signer:
        """What makes the URLs that this webhook asks for."""
        return self._signers(webhook.url_filter, self._base_url)

    async def next_batch(self, claimed: ClaimedWebhook, position: int) -> Batch | None:
        """What comes after `position`; None if that is the end of the log.

        None, too, where some of it has expired: then the webhook is given up, since it can never
        have that.
        """

        async def work(tx: Transaction) -> tuple[int, Batch | None]:
            end = await tx.events.end()
            found = await tx.events.after(position, BATCH)
            if not found:
                return end, None
            wanted: Sequence[PublishedEvent] = [
                part for one in found for part in claimed.webhook.of(one)
            ]
            if claimed.webhook.accept_get_urls != ():
                wanted = await located(tx, wanted)
            return found[0].number - 1, Batch(wanted, found[-1].number)

        reached, batch = await self._catalogue.read(work)
        if reached > position:
            summary = "events that were not sent yet have expired"
            await self._give_up(claimed, position, "EventsExpired", summary)
            return None
        return batch

    async def served(self, claimed: ClaimedWebhook, position: int) -> bool:
        """Store that all up to `position` are sent or not wanted, and renew the lease.

        False if the webhook is no longer this worker's: then it must send nothing more.
        """
        return await self._settle(claimed, Progress(position=position, due=self._lease_end()))

    async def release(self, claimed: ClaimedWebhook, position: int) -> None:
        """Store the same, and give the webhook back, to be claimed at once if there is more."""
        old = claimed.progress
        stuck = position == old.position
        await self._settle(
            claimed,
            Progress(
                position=position,
                due=self._clock(),
                failures=old.failures if stuck else 0,
                failing_since=old.failing_since if stuck else None,
            ),
        )

    async def failed(self, claimed: ClaimedWebhook, position: int, reason: str) -> None:
        """The next event after `position` could not be sent: wait, or give the webhook up."""
        now, old = self._clock(), claimed.progress
        again = position == old.position
        failures = old.failures + 1 if again else 1
        if failures == 1:  # what goes on is told by the webhook, and not once more at each attempt
            _log.warning("an event could not be sent", webhook=claimed.webhook.id, reason=reason)
        since = (old.failing_since if again else None) or now
        if now - since >= timedelta(seconds=self._retries.give_up):
            summary = f"no event could be sent since {since.isoformat()}: {reason}"
            await self._give_up(claimed, position, "DeliveryFailed", summary)
            return
        later = now + self._retries.delay(failures)
        await self._settle(
            claimed, Progress(position=position, due=later, failures=failures, failing_since=since)
        )

    async def _give_up(
        self, claimed: ClaimedWebhook, position: int, kind: str, summary: str
    ) -> None:
        now = self._clock()
        _log.warning("a webhook is given up", webhook=claimed.webhook.id, reason=summary)
        error = ErrorReport(type=kind, summary=summary, time=now)
        await self._settle(claimed, Progress(position=position, due=now), error)

    async def _settle(
        self, claimed: ClaimedWebhook, progress: Progress, error: ErrorReport | None = None
    ) -> bool:
        async def work(tx: Transaction) -> bool:
            return await tx.webhooks.settle(claimed, progress, error)

        return await self._catalogue.write(work)

    def _lease_end(self) -> datetime:
        return self._clock() + self._lease
