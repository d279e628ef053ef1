"""All rows of a noun, however many, in transactions that are short."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from tams.catalogue.base import Catalogue, Transaction
from tams.catalogue.promises.inspection import START, Noun, Slice
from tams.domain.progress import Tell

SLICE = 10_000
"""How many rows are looked at in one transaction."""


class Slices:
    """Divides what there is, and tells how far that has come."""

    def __init__(self, catalogue: Catalogue, size: int, tell: Tell) -> None:
        self._catalogue = catalogue
        self._size = size
        self.tell = tell

    async def of(self, noun: Noun) -> AsyncGenerator[Slice, None]:
        """The slices of a noun in the order of its keys."""
        part, done = await self._next(noun, START), 0
        while part is not None:
            yield part
            done += part.number
            self.tell(noun, done)
            part = await self._next(noun, part.upto)

    async def _next(self, noun: Noun, after: tuple[int, int]) -> Slice | None:
        async def read(tx: Transaction) -> Slice | None:
            return await tx.inspection.next_slice(noun, after, self._size)

        return await self._catalogue.read(read)
