"""What the service says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from time import monotonic

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.access import Principal
from tams.domain.pages import Page, PageRequest
from tams.domain.service import ServiceDescription, ServicePromises
from tams.domain.storage import StorageBackend
from tams.domain.tags import TagFilter
from tams.errors import Invalid

LEASE = 0.2
"""Seconds for which a process may show a description again before it reads it anew."""


class Service:
    """The service's description, promises and Storage Backends (TAMS 8.2 `/service`).

    Whoever changes the description waits for all leases to end, so that no process shows an old
    one once the change is acknowledged.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        promises: ServicePromises,
        backends: Iterable[StorageBackend],
        lease: float = LEASE,
    ) -> None:
        self._catalogue = catalogue
        self._lease = lease
        self._shown = ServiceDescription()
        self._ends = 0.0
        self.promises = promises
        self._backends = sorted(backends, key=_by_label)

    async def describe(self) -> ServiceDescription:
        """Return the description."""
        now = monotonic()
        if now >= self._ends:
            self._shown = await self._catalogue.read(_description)
            self._ends = now + self._lease  # from before the read, which took some of it
        return self._shown

    async def update(self, who: Principal, *, name: str | None, description: str | None) -> None:
        """Change what is given and keep the rest (decision on statement 13)."""
        del who

        async def work(tx: Transaction) -> None:
            old = await tx.service.lock()
            await tx.service.replace(
                ServiceDescription(
                    name=old.name if name is None else name,
                    description=old.description if description is None else description,
                )
            )

        await self._catalogue.write(work)
        self._ends = 0.0
        await asyncio.sleep(self._lease)

    def storage_backends(self, tags: TagFilter, page: PageRequest) -> Page[StorageBackend]:
        """One page by label, those without one last by id (statement 17).

        The page's key is the id that it begins with; raises `Invalid` for any other.
        """
        listed = [backend for backend in self._backends if tags.accepts(backend.tags)]
        if page.reverse:
            listed.reverse()
        start = 0
        if page.key is not None:
            ids = [backend.id for backend in listed]
            if page.key not in ids:
                raise Invalid("page", page.key, "it must be the X-Paging-NextKey of this listing")
            start = ids.index(page.key)
        end = start + page.limit
        return Page(listed[start:end], listed[end].id if end < len(listed) else None)

    async def ping(self) -> None:
        """Return if the catalogue answers; else raise."""
        await self._catalogue.ping()


async def _description(tx: Transaction) -> ServiceDescription:
    return await tx.service.get()


def _by_label(backend: StorageBackend) -> tuple[bool, str, str]:
    return backend.label is None, backend.label or "", backend.id
