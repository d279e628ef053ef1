"""A catalogue whose listings may be read from a replica that lags behind it."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import monotonic
from typing import TypeVar

import structlog

from tams.catalogue.base import Catalogue, Work
from tams.errors import BadSettings, Busy

T = TypeVar("T")

_PAUSE_S = 10.0
"""How long a replica that did not answer is left alone."""

_log = structlog.get_logger(__name__)


class ReplicatedCatalogue(Catalogue):
    """All goes to the primary but what is browsed, and that too while the replica is away.

    A replica is no reason not to start: it is opened when it is first asked.
    """

    def __init__(
        self, primary: Catalogue, replica: Catalogue, now: Callable[[], float] = monotonic
    ) -> None:
        """`now` is in seconds."""
        self._primary = primary
        self._replica = replica
        self._now = now
        self._is_open = False
        self._asked_from = 0.0

    async def open(self) -> None:
        await self._primary.open()

    async def close(self) -> None:
        await self._replica.close()
        await self._primary.close()

    async def write(self, work: Work[T]) -> T:
        return await self._primary.write(work)

    async def read(self, work: Work[T]) -> T:
        return await self._primary.read(work)

    async def browse(self, work: Work[T]) -> T:
        if self._now() < self._asked_from:
            return await self._primary.read(work)
        try:
            if not self._is_open:
                await self._open_replica()
            return await self._replica.read(work)
        except (Busy, BadSettings) as error:
            self._asked_from = self._now() + _PAUSE_S
            _log.warning("the replica is left alone for a while", error=str(error))
        return await self._primary.read(work)

    async def _open_replica(self) -> None:
        self._asked_from = inf  # others need not wait for it
        try:
            await self._replica.open()
        except BaseException:
            self._asked_from = self._now() + _PAUSE_S
            raise
        self._is_open, self._asked_from = True, 0.0

    async def ping(self) -> None:
        await self._primary.ping()
