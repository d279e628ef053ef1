"""The application, built, opened, and closed behind its user."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from tams.api.origins import Origins
from tams.app.background import Background, build_deletions
from tams.app.extension_services import build_extension_services
from tams.app.services import build_services
from tams.app.stores import Stores
from tams.app.web import build_application
from tams.catalogue import connect
from tams.domain.clock import Clock
from tams.errors import TamsError
from tams.services.accesses import Accesses
from tams.settings import Settings, listed
from tams.workers.loop import Worker


def load(settings: Settings) -> None:
    """Load the code that `running` will need, to be shared by processes that are forked then."""
    connect.catalogue(settings.catalogue_url)


@asynccontextmanager
async def running(settings: Settings, clock: Clock | None = None) -> AsyncIterator[FastAPI]:
    """Build, open and hand out the application; close it behind the caller.

    Its `state.worker` does the background work, unless that is left to other processes. Raises
    `BadSettings` if it cannot start.
    """
    stores = Stores.build(settings, clock)
    deletions = build_deletions(stores)
    accesses = Accesses(stores.catalogue, stores.clock)
    background = Background(stores, deletions, accesses)
    beside = background.running() if settings.background else _flushing(accesses, settings)
    async with stores.opened():
        async with beside:
            services = build_services(stores, deletions, accesses)
            extension_services = build_extension_services(stores, services, accesses)
            app = build_application(settings, services, background.worker)
            app.state.extension_services = extension_services
            names = frozenset(listed(settings.cors_origins))
            app.state.origins = Origins(names, settings.cors_credentials)
            try:
                yield app
            finally:
                await extension_services.event_stream.close()
        with suppress(TamsError):  # the catalogue is away: what was counted is lost
            while await accesses.flush():
                continue


@asynccontextmanager
async def _flushing(accesses: Accesses, settings: Settings) -> AsyncIterator[None]:
    """Write down what this process counts, where another does all other background work."""
    worker = Worker([accesses.flush], settings.worker_interval)
    worker.start()
    try:
        yield
    finally:
        await worker.stop()
