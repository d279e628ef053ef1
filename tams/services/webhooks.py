"""What clients may do with webhooks; `services/delivery.py` serves them."""

from __future__ import annotations

import uuid

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.access import Principal
from tams.domain.clock import Clock
from tams.domain.pages import Page, PageRequest
from tams.domain.tags import TagFilter
from tams.domain.targets import Targets
from tams.domain.webhooks import Webhook, WebhookRequest
from tams.errors import NotFound
from tams.services.event_log import publish


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
        webhook = Webhook(
            **request.values, id=str(uuid.uuid4()), created_by=who.name, created=self._clock()
        )
        await publish(self._catalogue)

        async def work(tx: Transaction) -> None:
            await tx.webhooks.add(webhook)

        await self._catalogue.write(work)
        return webhook

    async def put(self, webhook_id: str, request: WebhookRequest) -> Webhook:
        """Change a webhook, and return it.

        One that was disabled is told of what happens from now on; any other goes on from where it
        stands, so that one in error misses nothing that is still in the log. Raises `NotFound`, and
        `Invalid` where its status cannot become that, or where no request may go to its URL.
        """
        self._targets.check("url", request.metadata.url)
        await publish(self._catalogue)

        async def work(tx: Transaction) -> Webhook:
            old = _found(webhook_id, await tx.webhooks.lock(webhook_id))
            new = request.changed(old)
            await tx.webhooks.replace(new, from_now=old.status == "disabled")
            return new

        return await self._catalogue.write(work)

    async def delete(self, webhook_id: str) -> None:
        """Remove a webhook; what is on its way to it is not called back. Raises `NotFound`."""

        async def work(tx: Transaction) -> None:
            if not await tx.webhooks.remove(webhook_id):
                raise NotFound("webhook", webhook_id)

        await self._catalogue.write(work)


def _found(webhook_id: str, webhook: Webhook | None) -> Webhook:
    if webhook is None:
        raise NotFound("webhook", webhook_id)
    return webhook
