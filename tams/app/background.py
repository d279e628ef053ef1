"""What goes on behind the answers: beside the server, or in a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from tams.app.stores import Stores
from tams.domain.clock import Clock
from tams.errors import BadSettings
from tams.services.accesses import Accesses
from tams.services.analytics import Analytics
from tams.services.cleanup import CleanUp
from tams.services.copies import Copies
from tams.services.deletions import Deletions
from tams.services.delivery import Delivery, Retries
from tams.services.elsewhere import Elsewhere
from tams.services.measuring import Measuring
from tams.services.queue import Queue
from tams.services.trash import Trash
from tams.settings import Settings
from tams.workers.loop import Worker
from tams.workers.webhooks import Deliverer


class Background:
    """The worker with its chores: short ones in turn, and beside them what may take long."""

    def __init__(
        self, stores: Stores, deletions: Deletions, accesses: Accesses | None = None
    ) -> None:
        settings = stores.settings
        cleanup = _cleanup(stores)
        trash = build_trash(stores)
        delivery = _delivery(stores)
        copies = _copies(stores)
        self._deliverer = Deliverer(
            delivery,
            stores.outbound,
            at_once=settings.webhook_concurrency,
            timeout=settings.webhook_timeout,
            interval=settings.worker_interval,
        )
        self.worker = Worker(
            [
                cleanup.condemn_expired,
                cleanup.expire_events,
                deletions.expire,
                trash.purge,
                *([] if accesses is None else [accesses.flush]),
                Analytics(stores.catalogue, stores.clock).count_some,
            ],
            settings.worker_interval,
            long_chores=[
                delivery.publish,
                _measuring(stores).look,
                self._deliverer.serve_due,
                Queue(stores.catalogue, stores.clock, copies.handlers).run_due,
                Queue(stores.catalogue, stores.prudent, copies.removals).run_due,
            ],
            unhurried_chores=[
                Queue(stores.catalogue, stores.clock, deletions.handlers).run_due,
                cleanup.remove_objects,
            ],
            patience=settings.shutdown_grace,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Begin, and finish what was begun."""
        self.worker.start()
        try:
            yield
        finally:
            await self._deliverer.close()
            await self.worker.stop()


@asynccontextmanager
async def working(settings: Settings, clock: Clock | None = None) -> AsyncIterator[None]:
    """Do the background work and nothing else; finish it behind the caller.

    Raises `BadSettings` if it cannot start.
    """
    if not settings.port and not settings.public_url:
        raise BadSettings(
            "TAMS_PORT: a worker gives out URLs, so it must know the server's; or set "
            "TAMS_PUBLIC_URL"
        )
    stores = Stores.build(settings, clock)
    background = Background(stores, build_deletions(stores))
    async with stores.opened(), background.running():
        yield


def build_deletions(stores: Stores) -> Deletions:
    """What routes and the background share."""
    settings = stores.settings
    return Deletions(
        stores.catalogue,
        stores.clock,
        url_lifetime=stores.url_lifetime,
        threshold=settings.async_deletion_threshold,
        retention=timedelta(seconds=settings.deletion_request_retention),
        prudent=stores.prudent,
    )


def build_trash(stores: Stores) -> Trash:
    """What routes and the background share, and what keeps nothing of its own."""
    retention = stores.settings.trash_retention
    return Trash(
        stores.catalogue,
        stores.clock,
        url_lifetime=stores.url_lifetime,
        retention=timedelta(seconds=retention) if retention else None,
        prudent=stores.prudent,
    )


def build_cleaner(stores: Stores) -> Worker:
    """Clean-up and nothing else, in no hurry to be gentle: for `Worker.work_off`."""
    cleanup, deletions = _cleanup(stores), build_deletions(stores)
    return Worker(
        [
            cleanup.condemn_expired,
            cleanup.expire_events,
            deletions.expire,
            build_trash(stores).purge,
            Queue(stores.catalogue, stores.clock, deletions.handlers).run_due,
            Queue(stores.catalogue, stores.prudent, _copies(stores).removals).run_due,
            cleanup.remove_objects,
        ],
        stores.settings.worker_interval,
    )


def _cleanup(stores: Stores) -> CleanUp:
    return CleanUp(
        stores.catalogue,
        stores.storages,
        stores.prudent,
        url_lifetime=stores.url_lifetime,
        event_retention=timedelta(seconds=stores.settings.event_retention),
    )


def _copies(stores: Stores) -> Copies:
    elsewhere = Elsewhere(stores.outbound, max_size=stores.settings.max_object_size)
    return Copies(stores.catalogue, stores.storages, elsewhere, stores.clock)


def _measuring(stores: Stores) -> Measuring:
    return Measuring(
        stores.catalogue,
        stores.storages,
        stores.clock,
        at_once=stores.settings.measure_rate,
    )


def _delivery(stores: Stores) -> Delivery:
    settings = stores.settings
    return Delivery(
        stores.catalogue,
        stores.storages.signer,
        stores.prudent,
        retries=Retries(
            first=settings.webhook_retry_first,
            longest=settings.webhook_retry_longest,
            give_up=settings.webhook_give_up,
        ),
        # Between two renewals lie at most the time for which events are begun, and one more.
        lease=timedelta(seconds=3 * settings.webhook_timeout),
        base_url=settings.reached_at,
    )
