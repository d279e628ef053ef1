"""What looks after a store, beside the servers that go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tams.app.background import build_cleaner
from tams.app.stores import Stores
from tams.domain.clock import Clock
from tams.domain.progress import Tell
from tams.services.analytics import Analytics
from tams.services.checkup import Checkup
from tams.services.outlook import Outlook
from tams.services.repairs import Repairs
from tams.settings import Settings
from tams.workers.loop import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """The services of `tams admin`; `cleaner` does what is due of the clean-up."""

    analytics: Analytics
    checkup: Checkup
    repairs: Repairs
    outlook: Outlook
    cleaner: Worker


@asynccontextmanager
async def upkeep(
    settings: Settings, tell: Tell, clock: Clock | None = None
) -> AsyncIterator[Upkeep]:
    """Open a store that is there, and close it behind the caller; raises `BadSettings`."""
    stores = Stores.build(settings, clock, as_they_are=True)
    lifetime = stores.url_lifetime
    known = (stores.catalogue, stores.storages, stores.clock)
    async with stores.opened():
        yield Upkeep(
            analytics=Analytics(stores.catalogue, stores.clock),
            checkup=Checkup(*known, url_lifetime=lifetime, tell=tell),
            repairs=Repairs(*known, url_lifetime=lifetime),
            outlook=Outlook(*known, tell=tell),
            cleaner=build_cleaner(stores),
        )
