"""The application, built, opened, and closed behind its user."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from tams.app.background import Background
from tams.app.services import build_deletions, build_services
from tams.app.stores import Stores
from tams.app.web import build_application
from tams.domain.clock import Clock, utc_now
from tams.settings import Settings


@asynccontextmanager
async def running(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[FastAPI]:
    """Build, open and hand out the application; close it behind the caller.

    Its `state.worker` does the background work. Raises `BadSettings` if it cannot start.
    """
    # Each step of a statement gives the GIL away; 5 ms until it comes back would cost tenfold.
    sys.setswitchinterval(0.0005)
    stores = Stores.build(settings, clock)
    deletions = build_deletions(stores)
    background = Background(stores, deletions)
    async with stores.opened(), background.running() as worker:
        yield build_application(settings, build_services(stores, deletions), worker)
