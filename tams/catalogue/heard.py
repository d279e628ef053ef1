"""A catalogue whose writes are heard, so that nobody who waits for one has to keep asking."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tams.catalogue.base import Catalogue, Work

T = TypeVar("T")


class HeardCatalogue(Catalogue):
    """Another one; each of `listeners` is called behind a write of this process, in its loop."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.listeners: set[Callable[[], None]] = set()
        self._catalogue = catalogue

    async def open(self) -> None:
        """As the other."""
        await self._catalogue.open()

    async def close(self) -> None:
        """As the other."""
        await self._catalogue.close()

    async def write(self, work: Work[T]) -> T:
        """As the other, and tell the listeners."""
        result = await self._catalogue.write(work)
        for listener in self.listeners:
            listener()
        return result

    async def read(self, work: Work[T]) -> T:
        """As the other."""
        return await self._catalogue.read(work)

    async def browse(self, work: Work[T]) -> T:
        """As the other."""
        return await self._catalogue.browse(work)

    async def ping(self) -> None:
        """As the other."""
        await self._catalogue.ping()
