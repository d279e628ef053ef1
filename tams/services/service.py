"""What the service says of itself."""

from __future__ import annotations

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.access import Principal
from tams.domain.service import ServiceDescription


class Service:
    """Reads and changes the service's description (TAMS 8.2 `/service`)."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def describe(self) -> ServiceDescription:
        """Return the description."""

        async def work(tx: Transaction) -> ServiceDescription:
            return await tx.service.get()

        return await self._catalogue.read(work)

    async def update(self, who: Principal, *, name: str | None, description: str | None) -> None:
        """Change what is given and keep the rest (decision on statement 13)."""
        del who

        async def work(tx: Transaction) -> None:
            old = await tx.service.get()
            await tx.service.replace(
                ServiceDescription(
                    name=old.name if name is None else name,
                    description=old.description if description is None else description,
                )
            )

        await self._catalogue.write(work)

    async def ping(self) -> None:
        """Return if the catalogue answers; else raise."""
        await self._catalogue.ping()
