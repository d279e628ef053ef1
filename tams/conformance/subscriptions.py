"""Webhooks that a check registers, and what reaches them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tams.conformance.receiver import Delivery, Inbox
from tams.conformance.server import Json, Server, new_id
from tams.conformance.statements import Skipped

WEBHOOKS = "/service/webhooks"
EVERY = (
    "flows/created",
    "flows/updated",
    "flows/deleted",
    "flows/segments_added",
    "flows/segments_deleted",
    "sources/created",
    "sources/updated",
    "sources/deleted",
)
LOOKS = 40
"""How often an inbox is looked into before what has not come counts as lost."""

PAUSE = 0.25
"""Seconds between two looks, where the server's own clock cannot be moved."""


async def has_webhooks(server: Server) -> bool:
    """Whether the service says that it has webhooks."""
    mechanisms = (await server.read("/service")).get("event_stream_mechanisms", [])
    return any(mechanism["name"] == "webhooks" for mechanism in mechanisms)


async def need_webhooks(server: Server) -> None:
    """Skip the check where there are none."""
    if not await has_webhooks(server):
        raise Skipped("this server has no webhooks")


def idle_body(**fields: Json) -> dict[str, Any]:
    """The body of a webhook that is disabled, at a URL of its own where nobody listens."""
    url = f"https://hook.example.com/{new_id()}"
    return {"url": url, "events": ["flows/created"], "status": "disabled", **fields}


async def idle_webhook(server: Server, **fields: Json) -> dict[str, Any]:
    """Register such a webhook; returns the body of the 201."""
    await need_webhooks(server)
    webhook: dict[str, Any] = (await server.post(WEBHOOKS, idle_body(**fields))).is_status(201).json
    return webhook


@dataclass
class Subscription:
    """A webhook that sends to an inbox of our receiver."""

    server: Server
    inbox: Inbox
    webhook: dict[str, Any]

    @property
    def path(self) -> str:
        """The path of the webhook."""
        return f"{WEBHOOKS}/{self.webhook['id']}"

    @property
    def events(self) -> list[dict[str, Any]]:
        """The bodies that have come, in the order of their coming."""
        return [delivery.event for delivery in self.inbox.deliveries]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The `event` of each that has come of this type."""
        return [event["event"] for event in self.events if event["event_type"] == kind]

    @property
    def kinds(self) -> set[str]:
        """The types of those that have come."""
        return {event["event_type"] for event in self.events}

    async def wait(self, kind: str, number: int = 1) -> dict[str, Any]:
        """Wait until `number` events of a type have come; returns the last of them."""
        what = f"{number} of {kind} expected at the webhook"
        await self.until(lambda: len(self.of(kind)) >= number, what)
        return self.of(kind)[number - 1]

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Look again until the condition holds; fail with `what` if it never does."""
        for _ in range(LOOKS):
            if condition():
                return
            await pause(self.server)
        raise AssertionError(
            f"{what}; these came: {[event['event_type'] for event in self.events]}"
        )

    async def deliveries(self, number: int) -> list[Delivery]:
        """Wait until so many requests have come, and return them all."""
        arrived = self.inbox.deliveries
        await self.until(lambda: len(arrived) >= number, f"{number} requests expected")
        return arrived

    async def status(self) -> str:
        """The webhook's status now."""
        status: str = (await self.server.read(self.path))["status"]
        return status

    async def put(self, **fields: Json) -> None:
        """Change the webhook, which must be a 201."""
        known = {name: value for name, value in self.webhook.items() if name != "error"}
        body = known | {"status": "created"} | fields
        self.webhook = (await self.server.put(self.path, body)).is_status(201).json


async def subscribe(server: Server, *events: str, **fields: Json) -> Subscription:
    """Register a webhook for these events, or for all; skip where the server cannot reach us.

    That it must not is told from other refusals by the same webhook at a URL of others.
    """
    await need_webhooks(server)
    if server.receiver is None:
        raise Skipped("the server needs an address at which it can reach us (--receiver)")
    inbox = server.receiver.inbox()
    wanted = {"events": list(events or EVERY), **fields}
    answer = await server.post(WEBHOOKS, {"url": inbox.url, **wanted})
    if answer.status == 400 and await _is_taken(server, idle_body(**wanted)):
        raise Skipped(f"the server refuses to send webhooks to {server.receiver.base}")
    return Subscription(server, inbox, answer.is_status(201).json)


async def _is_taken(server: Server, body: Json) -> bool:
    return (await server.post(WEBHOOKS, body)).status == 201


async def pause(server: Server) -> None:
    """Let the server do what it does by itself."""
    await (server.wait(1) if server.wait else asyncio.sleep(PAUSE))
