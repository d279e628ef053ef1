"""Webhooks that are claimed while the deliverer closes: others may have them at once."""

from __future__ import annotations

import asyncio

from tams.domain.webhooks import ClaimedWebhook, Progress, Webhook
from tams.workers.webhooks import Deliverer
from tests.catalogue.building import NOON, new_id

CLAIMED = ClaimedWebhook(
    key=1,
    claim=1,
    webhook=Webhook(
        id=new_id(),
        url="https://receiver.example",
        events=("flows/updated",),
        status="started",
        created=NOON,
    ),
    progress=Progress(position=7, due=NOON),
)


class Held:
    """A delivery whose claims take as long as `claiming` does, and whose batches never come."""

    def __init__(self, *claiming):
        self.claiming = iter(claiming)
        self.given_back = []

    async def claim(self):
        return await next(self.claiming)()

    def signer(self, webhook):
        return None

    async def next_batch(self, claimed, position):
        await asyncio.Event().wait()

    async def release(self, claimed, position):
        self.given_back.append(position)


async def at_once():
    return CLAIMED


def deliverer_of(delivery):
    return Deliverer(delivery, None, at_once=3, timeout=1, interval=0.01)


async def test_a_webhook_that_is_claimed_while_it_closes_is_given_back():
    claiming, go_on = asyncio.Event(), asyncio.Event()

    async def late():
        claiming.set()
        await go_on.wait()
        return CLAIMED

    delivery = Held(late)
    deliverer = deliverer_of(delivery)
    serving = asyncio.create_task(deliverer.serve_due())
    await claiming.wait()
    await deliverer.close()
    go_on.set()
    assert not await serving
    assert delivery.given_back == [7]


async def test_a_webhook_that_was_only_just_claimed_is_given_back():
    async def none_while_it_closes():
        await deliverer.close()

    delivery = Held(at_once, none_while_it_closes)
    deliverer = deliverer_of(delivery)
    await deliverer.serve_due()
    assert delivery.given_back == [7]
