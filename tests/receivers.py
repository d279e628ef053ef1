"""Receivers of webhooks that note what they are sent, and fail as a test asks."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import RawTestServer

Answer = Callable[[web.BaseRequest], Awaitable[int]]


async def accept(_: web.BaseRequest) -> int:
    """Take what comes."""
    return 200


@dataclass
class NotingReceiver:
    """Answers with the status that `answer` gives; `accepted` are bodies that got a 2xx."""

    answer: Answer = accept
    url: str = ""
    asked: int = 0
    accepted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.BaseRequest) -> web.Response:
        """Note a request, and answer it."""
        self.asked += 1
        body = await request.json()
        status = await self.answer(request)
        if status < 300:
            self.accepted.append((request.headers["X-TAMS-Event-Id"], body))
            self.heard.set()
        return web.Response(status=status)

    async def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until a condition holds that only what is accepted can bring about."""
        async with asyncio.timeout(seconds):
            while not condition():
                self.heard.clear()
                await self.heard.wait()

    @property
    def labels(self) -> dict[str, list[str]]:
        """By Flow, the labels that it was told to have, each delivery counted once, in order."""
        told: dict[str, list[str]] = defaultdict(list)
        for body in dict(self.accepted).values():
            flow = body["event"]["flow"]
            told[flow["id"]].append(flow["label"])
        return dict(told)


@asynccontextmanager
async def noting(answer: Answer = accept) -> AsyncIterator[NotingReceiver]:
    """Serve such a receiver on this machine."""
    receiver = NotingReceiver(answer)
    async with RawTestServer(receiver.take) as server:
        receiver.url = str(server.make_url("/"))
        yield receiver
