"""What clients may do with webhooks; `services/delivery.py` serves them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.access import Principal
from tams.domain.clock import Clock
from tams.domain.pages import Page, PageRequest
from tams.domain.tags import TagFilter
from tams.domain.targets import Targets
from tams.domain.webhooks import Webhook, WebhookMetadata, WebhookRequest
from tams.errors import NotFound
from tams.services.event_log import PUBLISHED_AT_ONCE, publish

Keep = Callable[[Webhook, WebhookMetadata], WebhookMetadata]
"""Gives a webhook's new metadata what the old had and those who ask cannot say."""


class Webhooks:
    """Registers, reads, changes and removes webhooks (TAMS 8.2 `/service/webhooks`).

    `targets` says which URLs are refused at once; what only a look-up can tell is seen when
    something is sent. `every_type` lets them subscribe to events beside the standard's.
    """

    def __init__(
        self, catalogue: Catalogue, clock: Clock, targets: Targets, *, every_type: bool = False
    ) -> None:
        self.every_type = every_type
        self._catalogue = catalogue
        self._clock = clock
        self._targets = targets

    async def get(self, webhook_id: str) -> Webhook:
        """Return a webhook; raises `NotFound`."""

        async def work(tx: Transaction) -> Webhook:
            return _found(webhook_id, await tx.webhooks.get(webhook_id))

        return await self._catalogue.read(work)

    async def list(self, tags: TagFilter, page: PageRequest) -> Page[Webhook]:
        """One page of the webhooks that pass, by URL."""

        async def work(tx: Transaction) -> Page[Webhook]:
            return await tx.webhooks.list(tags, page)

        return await self._catalogue.read(work)

    async def add(self, who: Principal, request: WebhookRequest) -> Webhook:
        """Register a webhook, which is told of what happens from now on.

        Raises `Invalid` where no request may go to its URL.
        """
        self._targets.check("url", request.metadata.url)
        webhook = self._new(who, request)
        await publish(self._catalogue)

        async def work(tx: Transaction) -> None:
            await tx.webhooks.add(webhook)

        await self._catalogue.write(work)
        return webhook

    def _new(self, who: Principal, request: WebhookRequest) -> Webhook:
        return Webhook(
            **request.values, id=str(uuid.uuid4()), created_by=who.name, created=self._clock()
        )

    async def add_or_change(
        self, who: Principal, request: WebhookRequest, keep: Keep | None = None
    ) -> None:
        """Change the webhook with that URL and key, the oldest of several; if none has it, add one.

        This is what POST did up to TAMS 7.0. Of two at once the later one finds what the earlier
        one added. `keep` is as for `put`. Raises `Invalid` as `add` does.
        """
        metadata = request.metadata
        self._targets.check("url", metadata.url)
        added = self._new(who, request)
        await publish(self._catalogue)

        async def work(tx: Transaction) -> None:
            await tx.events.publish(PUBLISHED_AT_ONCE)  # under a lock that only one work can have
            key = (metadata.api_key_name, request.api_key_value)
            alike = [
                *filter(lambda one: _key(one) == key, await tx.webhooks.lock_all_at(metadata.url))
            ]
            if not alike:
                await tx.webhooks.add(added)
                return
            old = alike[0]
            new = _kept(request, old, keep).changed(old)
            await tx.webhooks.replace(new, from_now=old.status == "disabled")

        await self._catalogue.write(work)

    async def delete_all_with(self, request: WebhookRequest) -> None:
        """Remove every webhook with that URL and key, if there is any (up to TAMS 7.0)."""
        key = request.metadata.api_key_name, request.api_key_value

        async def work(tx: Transaction) -> None:
            for one in await tx.webhooks.lock_all_at(request.metadata.url):
                if _key(one) == key:
                    await tx.webhooks.remove(one.id)

        await self._catalogue.write(work)

    async def put(
        self, webhook_id: str, request: WebhookRequest, keep: Keep | None = None
    ) -> Webhook:
        """Change a webhook, and return it.

        One that was disabled is told of what happens from now on; any other goes on from where it
        stands, so that one in error misses nothing that is still in the log. `keep` makes of the
        old webhook and its new metadata what is to replace these. Raises `NotFound`, and `Invalid`
        where its status cannot become that, or where no request may go to its URL.
        """
        self._targets.check("url", request.metadata.url)
        await publish(self._catalogue)

        async def work(tx: Transaction) -> Webhook:
            old = _found(webhook_id, await tx.webhooks.lock(webhook_id))
            new = _kept(request, old, keep).changed(old)
            await tx.webhooks.replace(new, from_now=old.status == "disabled")
            return new

        return await self._catalogue.write(work)

    async def delete(self, webhook_id: str) -> None:
        """Remove a webhook; what is on its way to it is not called back. Raises `NotFound`."""

        async def work(tx: Transaction) -> None:
            if not await tx.webhooks.remove(webhook_id):
                raise NotFound("webhook", webhook_id)

        await self._catalogue.write(work)


def _kept(request: WebhookRequest, old: Webhook, keep: Keep | None) -> WebhookRequest:
    return request if keep is None else replace(request, metadata=keep(old, request.metadata))


def _key(webhook: Webhook) -> tuple[str | None, str | None]:
    return webhook.api_key_name, webhook.api_key_value


def _found(webhook_id: str, webhook: Webhook | None) -> Webhook:
    if webhook is None:
        raise NotFound("webhook", webhook_id)
    return webhook
