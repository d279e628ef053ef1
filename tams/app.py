"""The only place that builds things: settings, catalogue, storages, services, routers, worker."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from tams import __version__
from tams.api import (
    deletions,
    errors,
    flows,
    health,
    instances,
    media,
    objects,
    profiles,
    segments,
    service,
    sources,
    storage,
    token,
    webhooks,
)
from tams.api.auth import Access, Schemes
from tams.api.deps import Services
from tams.api.paging import PageSizes
from tams.api.routing import StandardPaths
from tams.catalogue import connect
from tams.catalogue.base import Catalogue
from tams.domain.access import Scope, ScopeTable, webhook_changes_by
from tams.domain.clock import Clock, utc_now
from tams.domain.service import ServicePromises
from tams.domain.targets import Targets
from tams.errors import BadSettings
from tams.outbound import Outbound
from tams.services.authentication import Authentication
from tams.services.cleanup import CleanUp
from tams.services.copies import Copies
from tams.services.credentials import CredentialsFile
from tams.services.deletions import Deletions
from tams.services.delivery import Delivery, Retries
from tams.services.elsewhere import Elsewhere
from tams.services.flows import Flows
from tams.services.health import Health
from tams.services.instances import Instances
from tams.services.issuers import Issuer
from tams.services.media import Media
from tams.services.objects import Objects
from tams.services.profiles import Profiles
from tams.services.queue import Queue
from tams.services.segments import Segments
from tams.services.service import Service
from tams.services.sources import Sources
from tams.services.storage import StorageAllocation
from tams.services.tokens import Keys, SharedSecret, TokenMaker, TokenVerifier
from tams.services.webhooks import Webhooks
from tams.settings import Settings
from tams.storage.configure import build_storages
from tams.storage.signing import GRACE_S
from tams.storage.storages import Storages
from tams.workers.loop import Chore, Worker, unhurried
from tams.workers.webhooks import Deliverer

EXPOSED = [
    "Link",
    "Location",
    "WWW-Authenticate",
    "Content-Range",
    "ETag",
    "X-Paging-Limit",
    "X-Paging-NextKey",
    "X-Paging-Count",
    "X-Paging-Reverse-Order",
    "X-Paging-Timerange",
]
"""Headers that a browser lets scripts read (statement 259)."""


@asynccontextmanager
async def running(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[FastAPI]:
    """Build, open and hand out the application; close it behind the caller.

    Its `state.worker` does the background work. Raises `BadSettings` if it cannot start.
    """
    # Each step of a statement gives the GIL away; 5 ms until it comes back would cost tenfold.
    sys.setswitchinterval(0.0005)
    catalogue = connect.catalogue(
        settings.catalogue_url,
        synchronous=settings.synchronous,
        connections=settings.database_connections,
        queue_limit=settings.queue_limit,
        time_limit=settings.time_limit,
        clock=clock,
    )
    storages = build_storages(
        settings.storage,
        settings.data_dir,
        clock,
        url_timeout=settings.min_presigned_url_timeout,
        url_window=settings.url_window,
    )
    outbound = Outbound(_targets(settings))
    delivery = _delivery(settings, catalogue, storages, clock)
    deliverer = Deliverer(
        delivery,
        outbound,
        at_once=settings.webhook_concurrency,
        timeout=settings.webhook_timeout,
        interval=settings.worker_interval,
    )
    copies = Copies(
        catalogue, storages, Elsewhere(outbound, max_size=settings.max_object_size), clock
    )
    copying = Queue(catalogue, clock, copies.handlers)
    long_chores = [delivery.publish, deliverer.serve_due, copying.run_due]
    worker = _worker(settings, catalogue, storages, clock, long_chores)
    async with AsyncExitStack() as opened:
        await catalogue.open()
        opened.push_async_callback(catalogue.close)
        await storages.open()
        opened.push_async_callback(storages.close)
        opened.push_async_callback(outbound.close)
        worker.start()
        opened.push_async_callback(worker.stop)
        opened.push_async_callback(deliverer.close)
        yield _application(settings, _services(settings, catalogue, storages, clock), worker)


def _url_lifetime(settings: Settings) -> timedelta:
    """How long a URL that was given out may work."""
    seconds = settings.min_presigned_url_timeout + settings.url_window + GRACE_S
    return timedelta(seconds=seconds)


def _services(
    settings: Settings, catalogue: Catalogue, storages: Storages, clock: Clock
) -> Services:
    promises = ServicePromises(
        version=__version__,
        min_object_timeout=settings.min_object_timeout,
        min_presigned_url_timeout=settings.min_presigned_url_timeout,
    )
    return Services(
        service=Service(catalogue, promises, [one.backend for one in storages.values()]),
        sources=Sources(catalogue, clock),
        flows=Flows(catalogue, clock),
        segments=Segments(
            catalogue,
            storages.signer,
            clock,
            backend_labels=storages.labels,
            url_lifetime=_url_lifetime(settings),
        ),
        storage=StorageAllocation(
            catalogue,
            storages,
            clock,
            default=settings.storage_default,
            maximum=settings.storage_max,
            object_timeout=max(
                timedelta(seconds=settings.min_object_timeout), _url_lifetime(settings)
            ),
        ),
        objects=Objects(catalogue, storages.signer),
        instances=Instances(catalogue, storages, clock, url_lifetime=_url_lifetime(settings)),
        profiles=Profiles(catalogue, clock),
        deletions=_deletions(settings, catalogue, clock),
        webhooks=Webhooks(catalogue, clock, _targets(settings)),
        media=Media(storages.local, max_size=settings.max_object_size),
        health=Health({"catalogue": catalogue.ping, "storage": storages.ping}),
        authentication=_authentication(settings, clock) if settings.auth_schemes else None,
    )


def _authentication(settings: Settings, clock: Clock) -> Authentication:
    """What verifies callers, with the credentials file read once, so that it can be."""
    file = CredentialsFile(Path(settings.credentials)) if settings.credentials else None
    if file is not None:
        file.refresh()
    keys: dict[str | None, Keys] = {url: Issuer(url, clock) for url in settings.issuers}
    maker = None
    if secret := settings.jwt_secret.get_secret_value():
        shared = SharedSecret(secret)
        keys |= {settings.jwt_issuer: shared, None: shared}
        maker = TokenMaker(
            shared,
            issuer=settings.jwt_issuer,
            audience=next(iter(settings.audiences), None),
            lifetime=timedelta(seconds=settings.token_lifetime),
            clock=clock,
        )
    return Authentication(TokenVerifier(keys, settings.audiences, clock), file, maker, clock)


def _deletions(settings: Settings, catalogue: Catalogue, clock: Clock) -> Deletions:
    return Deletions(
        catalogue,
        clock,
        url_lifetime=_url_lifetime(settings),
        threshold=settings.async_deletion_threshold,
        retention=timedelta(seconds=settings.deletion_request_retention),
    )


def _targets(settings: Settings) -> Targets:
    try:
        return Targets.parse(settings.webhook_allow)
    except ValueError as error:
        raise BadSettings(f"TAMS_WEBHOOK_ALLOW: {error}") from None


def _delivery(
    settings: Settings, catalogue: Catalogue, storages: Storages, clock: Clock
) -> Delivery:
    return Delivery(
        catalogue,
        storages.signer,
        clock,
        retries=Retries(
            first=settings.webhook_retry_first,
            longest=settings.webhook_retry_longest,
            give_up=settings.webhook_give_up,
        ),
        # Between two renewals lie at most the time for which events are begun, and one more.
        lease=timedelta(seconds=3 * settings.webhook_timeout),
        base_url=settings.reached_at,
    )


def _worker(
    settings: Settings,
    catalogue: Catalogue,
    storages: Storages,
    clock: Clock,
    long_chores: Sequence[Chore],
) -> Worker:
    cleanup = CleanUp(
        catalogue,
        storages,
        clock,
        url_lifetime=_url_lifetime(settings),
        event_retention=timedelta(seconds=settings.event_retention),
    )
    deletions = _deletions(settings, catalogue, clock)
    return Worker(
        [
            Queue(catalogue, clock, cleanup.handlers).run_due,
            cleanup.condemn_expired,
            cleanup.expire_events,
            deletions.expire,
        ],
        settings.worker_interval,
        long_chores=[
            unhurried(Queue(catalogue, clock, deletions.handlers).run_due),
            *long_chores,
        ],
        patience=settings.shutdown_grace,
    )


def _application(settings: Settings, services: Services, worker: Worker) -> FastAPI:
    app = FastAPI(
        title="TAMS",
        summary="The store for time-addressable media",
        version=__version__,
        separate_input_output_schemas=False,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    app.state.page_sizes = PageSizes(settings.page_default, settings.page_max)
    app.state.public_url = settings.public_url
    app.state.worker = worker
    errors.install(app)
    # What is asked most comes first: routes are tried in turn.
    often = (service, segments, storage, objects, media, flows, sources)
    for module in (*often, instances, profiles, deletions, webhooks, health, token):
        # Not include_router, which would match every request in two steps.
        app.router.routes.extend(module.router.routes)
    app.add_middleware(
        Access,
        authentication=services.authentication,
        schemes=Schemes(settings.auth_schemes),
        table=ScopeTable(webhook_changes_by(Scope[settings.webhook_changes_by.upper()])),
    )
    app.add_middleware(StandardPaths)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "PUT", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=EXPOSED,
        max_age=3600,
    )
    return app
