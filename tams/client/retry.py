"""When a request is made again, and after how long."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp

from tams.errors import RequestFailed

T = TypeVar("T")

AGAIN = frozenset({429, 502, 503, 504})
"""Statuses by which a server says that the same request may succeed in a moment."""

FIRST_WAIT = 0.25
LONGEST_WAIT = 15.0
LONGEST_ORDERED_WAIT = 300.0


class Retry:
    """Makes an attempt until it succeeds, up to `attempts` times, waiting longer each time.

    `sleep` and `jitter` (a number from 0 to 1) are given so that tests need not wait.
    """

    def __init__(
        self,
        attempts: int = 5,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._attempts = attempts
        self._sleep = sleep
        self._jitter = jitter

    async def run(self, attempt: Callable[[], Awaitable[T]], *, repeatable: bool) -> T:
        """Return what `attempt` returns, or raise `RequestFailed`.

        An attempt that may have reached the server is made again only if it is `repeatable`.
        """
        made = 0
        while True:
            made += 1
            try:
                return await attempt()
            except RequestFailed as error:
                last = made == self._attempts or not repeatable or error.status not in AGAIN
                if last or (error.retry_after or 0) > LONGEST_ORDERED_WAIT:
                    raise
                await self._sleep(self._pause(made, error.retry_after))
            except (aiohttp.ClientError, TimeoutError) as error:
                sent = not isinstance(error, aiohttp.ClientConnectorError)
                if made == self._attempts or (sent and not repeatable):
                    raise RequestFailed(0, f"no answer from the server: {_said(error)}") from error
                await self._sleep(self._pause(made, None))

    def _pause(self, made: int, ordered: float | None) -> float:
        backoff = min(LONGEST_WAIT, FIRST_WAIT * (1 << (made - 1)))
        return (ordered or 0) + backoff * (1 + self._jitter()) / 2


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
