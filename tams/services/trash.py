"""What was deleted: who deleted it, what of it can be taken back, and for how long."""

from __future__ import annotations

from datetime import timedelta

from tams.catalogue.base import Catalogue, Transaction
from tams.catalogue.promises.deletion_records import Kept
from tams.domain.clock import Clock
from tams.domain.flows import Flow, FlowQuery
from tams.domain.jobs import Job
from tams.domain.pages import Page, PageRequest
from tams.domain.sources import Source, SourceQuery
from tams.domain.trash import DeletionRecord, Shown, Trashed


class Trash:
    """Lists deletions and what they keep, and lets go of what was kept for `retention`.

    None keeps it until it is taken back. By the `prudent` clock is judged what is too old;
    `url_lifetime` is how long bytes stay that go for good.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        clock: Clock,
        *,
        url_lifetime: timedelta,
        retention: timedelta | None,
        prudent: Clock | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._prudent = prudent or clock
        self._url_lifetime = url_lifetime
        self._retention = retention

    async def list(self, page: PageRequest) -> Page[DeletionRecord]:
        """One page of the records of deletions."""

        async def work(tx: Transaction) -> Page[DeletionRecord]:
            return await tx.records.list(page)

        return await self._catalogue.read(work)

    async def flows(self, query: FlowQuery, page: PageRequest, shown: Shown) -> Page[Trashed[Flow]]:
        """One page of the deleted Flows that can be taken back, alone or beside the others."""

        async def work(tx: Transaction) -> Page[Trashed[Flow]]:
            return await tx.trash.list_flows(query, page, shown)

        return await self._catalogue.read(work)

    async def sources(
        self, query: SourceQuery, page: PageRequest, shown: Shown
    ) -> Page[Trashed[Source]]:
        """The same for Sources; raises `Invalid` for filters by tags and collectors."""

        async def work(tx: Transaction) -> Page[Trashed[Source]]:
            return await tx.trash.list_sources(query, page, shown)

        return await self._catalogue.read(work)

    async def purge(self) -> bool:
        """Let what the oldest deletion keeps go for good, if it is too old; False if none is.

        Its rows and bytes follow slice by slice, as those of any deletion do.
        """
        retention = self._retention
        if retention is None:
            return False

        async def work(tx: Transaction) -> bool:
            kept = await tx.records.lock_oldest(self._prudent() - retention)
            if kept is not None:
                await self._let_go(tx, kept)
            return kept is not None

        return await self._catalogue.write(work)

    async def _let_go(self, tx: Transaction, kept: Kept) -> None:
        now = self._clock()
        for key in await tx.trash.let_go(kept.key):
            await tx.jobs.add(Job(kind="remove_flow", subject=key, due=now))
        if kept.record.kind == "object":
            due = now + self._url_lifetime
            await tx.trash.condemn_unregistered(kept.record.entity_id, due, kept.key)
        await tx.records.settle(kept, "purged", now)
