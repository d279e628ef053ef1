"""What all the rest is built on: the catalogue, the storages, and the way to other servers."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from tams.catalogue import connect
from tams.catalogue.base import Catalogue, Transaction
from tams.domain.clock import Clock, PrudentClock, utc_now
from tams.domain.targets import Targets
from tams.errors import BadSettings
from tams.outbound import Outbound
from tams.settings import Settings
from tams.storage.configure import build_storages
from tams.storage.signing import GRACE_S
from tams.storage.sigv4 import Credentials
from tams.storage.storages import Storages


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Where facts and bytes lie, as the settings say; and by which clock.

    By the `prudent` one is judged what is too old.
    """

    settings: Settings
    clock: Clock
    prudent: Clock
    catalogue: Catalogue
    storages: Storages
    targets: Targets
    outbound: Outbound

    @classmethod
    def build(
        cls, settings: Settings, clock: Clock | None = None, *, as_they_are: bool = False
    ) -> Stores:
        """Nothing is opened yet; raises `BadSettings`.

        A clock that is given is believed; the machine's own, with prudence. `as_they_are` neither
        makes nor migrates a catalogue when it is opened.
        """
        prudent = PrudentClock(utc_now) if clock is None else clock
        clock = utc_now if clock is None else clock
        targets = _targets(settings.webhook_allow)
        return cls(
            settings=settings,
            clock=clock,
            prudent=prudent,
            catalogue=connect.catalogue(
                settings.catalogue_url,
                synchronous=settings.synchronous,
                replica=settings.read_replica,
                connections=settings.database_connections,
                connect_timeout=settings.database_timeout,
                pooled=settings.database_pooled,
                queue_limit=settings.queue_limit,
                time_limit=settings.time_limit,
                clock=clock,
                as_it_is=as_they_are,
            ),
            storages=build_storages(
                settings.storage,
                settings.data_dir,
                clock,
                url_timeout=settings.min_presigned_url_timeout,
                url_window=settings.url_window,
                default=settings.default_storage,
                s3_keys=_s3_keys(settings),
                most_urls=settings.get_urls_max,
            ),
            targets=targets,
            outbound=Outbound(targets),
        )

    @property
    def url_lifetime(self) -> timedelta:
        """How long a URL that was given out may work."""
        settings = self.settings
        seconds = settings.min_presigned_url_timeout + settings.url_window + GRACE_S
        return timedelta(seconds=seconds)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Open all, and close them in turn; raises `BadSettings`."""
        # Each step of a statement gives the GIL away; 5 ms until it comes back would cost tenfold.
        sys.setswitchinterval(0.0005)
        async with AsyncExitStack() as stack:
            await self.catalogue.open()
            stack.push_async_callback(self.catalogue.close)
            await self._ensure_mounted()
            await self.storages.open()
            stack.push_async_callback(self.storages.close)
            stack.push_async_callback(self.outbound.close)
            yield

    async def _ensure_mounted(self) -> None:
        """Take no folder that is empty for one that the catalogue says is not."""
        for storage in self.storages.local.values():
            if await storage.is_new() and await self._is_used(storage.backend.id):
                raise BadSettings(
                    f"TAMS_STORAGE: {storage.root} is empty, but the catalogue has Objects there: "
                    f"mount it; or, if their bytes are lost, make the folder {storage.marker}"
                )

    async def _is_used(self, storage_id: str) -> bool:
        async def work(tx: Transaction) -> bool:
            return await tx.objects.any_in(storage_id)

        return await self.catalogue.read(work)


def _s3_keys(settings: Settings) -> Credentials | None:
    if not settings.s3_access_key_id:
        return None
    secret = settings.s3_secret_access_key.get_secret_value()
    return Credentials(settings.s3_access_key_id, secret, None)


def _targets(allowed: str) -> Targets:
    try:
        return Targets.parse(allowed)
    except ValueError as error:
        raise BadSettings(f"TAMS_WEBHOOK_ALLOW: {error}") from None
