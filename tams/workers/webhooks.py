"""Sends webhooks their events: each webhook by itself, each Source in order (statement 289)."""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic

from tams.domain.events import PublishedEvent
from tams.domain.storage import Signer
from tams.domain.webhooks import ClaimedWebhook, Webhook
from tams.errors import Unreachable
from tams.outbound import Outbound
from tams.services.delivery import Batch, Delivery
from tams.wire.events import EVENT_ID, webhook_event_json

LANES = 8
"""How many events one webhook is sent at the same time; never two of one Source."""

_BATCHES = 10
"""After so many, a webhook lets others come that are due."""


class Deliverer:
    """Serves as many webhooks at the same time as `at_once` says, so that none waits for another.

    `timeout` is how many seconds a receiver has to answer, `interval` how often it is looked for
    webhooks that are due while others are being served.
    """

    def __init__(
        self,
        delivery: Delivery,
        outbound: Outbound,
        *,
        at_once: int,
        timeout: float,
        interval: float,
    ) -> None:
        self._delivery = delivery
        self._outbound = outbound
        self._at_once = at_once
        self._timeout = timeout
        self._interval = interval
        self._serving: set[asyncio.Task[None]] = set()
        self._closed = False

    async def serve_due(self) -> bool:
        """Begin with the webhooks that are due, and wait a while for one to be done.

        False if there is nothing under way. Raises what kept one from being served, but for what
        its receiver did.
        """
        while len(self._serving) < self._at_once and not self._closed:
            claimed = await self._delivery.claim()
            if claimed is None:
                break
            if self._closed:
                await self._delivery.release(claimed, claimed.progress.position)
                break
            self._serving.add(asyncio.create_task(self._serve(claimed), name="webhook"))
        if not self._serving:
            return False
        done, _ = await asyncio.wait(
            self._serving, timeout=self._interval, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            self._serving.discard(task)
            if not task.cancelled():
                task.result()
        return True

    async def close(self) -> None:
        """Stop sending; what was not answered will be sent again."""
        self._closed = True
        await asyncio.sleep(0)  # a task that is cancelled before it begins would release nothing
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, claimed: ClaimedWebhook) -> None:
        webhook, position = claimed.webhook, claimed.progress.position
        signer = self._delivery.signer(webhook)
        sending = Sending(webhook, signer, self._outbound, self._timeout)
        try:
            for _ in range(_BATCHES):
                batch = await self._delivery.next_batch(claimed, position)
                if batch is None:
                    break
                position = await sending.send(batch)
                if sending.failure is not None:
                    await self._delivery.failed(claimed, position, sending.failure)
                    return
                if not await self._delivery.served(claimed, position):
                    return
        except asyncio.CancelledError:
            await self._delivery.release(claimed, position)
            raise
        await self._delivery.release(claimed, position)


class Sending:
    """Sends events to one webhook until one fails; `failure` says why then."""

    def __init__(
        self, webhook: Webhook, signer: Signer, outbound: Outbound, timeout: float
    ) -> None:
        self.failure: str | None = None
        self._webhook = webhook
        self._signer = signer
        self._outbound = outbound
        self._timeout = timeout
        self._sent: set[tuple[int, int]] = set()

    async def send(self, batch: Batch) -> int:
        """Send a batch, and return the number up to which nothing of it is left.

        It begins no event when it has lasted `timeout` already, so that a slow receiver does not
        outlast the lease.
        """
        lanes: dict[str, list[PublishedEvent]] = {}
        for one in batch.events:
            lanes.setdefault(one.event.source_id, []).append(one)
        left = deque(lanes.values())
        deadline = monotonic() + self._timeout
        async with asyncio.TaskGroup() as group:
            for _ in range(min(LANES, len(left))):
                group.create_task(self._send_lanes(left, deadline))
        unsent = (one.number for one in batch.events if one.step not in self._sent)
        return next(unsent, batch.position + 1) - 1

    async def _send_lanes(self, left: deque[list[PublishedEvent]], deadline: float) -> None:
        while left:
            for one in left.popleft():
                if one.step in self._sent:
                    continue
                if self.failure is not None or monotonic() > deadline:
                    return
                self.failure = await self._post(one) or self.failure

    async def _post(self, published: PublishedEvent) -> str | None:
        """Send an event; what went wrong, if anything. Any 2xx is success (trap T21)."""
        webhook = self._webhook
        headers = {"Content-Type": "application/json", EVENT_ID: published.id}
        if webhook.api_key_name is not None and webhook.api_key_value is not None:
            headers[webhook.api_key_name] = webhook.api_key_value
        body = webhook_event_json(published, webhook, self._signer)
        try:
            async with self._outbound.request(
                "POST",
                webhook.url,
                patience=self._timeout,
                in_all=self._timeout,
                headers=headers,
                body=body,
            ) as answer:
                status = answer.status
        except Unreachable as failure:
            return str(failure)
        if status // 100 != 2:
            return f"the receiver answered {status}"
        self._sent.add(published.step)
        return None
