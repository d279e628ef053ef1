"""The services behind the routes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from tams import __version__
from tams.api.deps import Services
from tams.app.extensions import chosen
from tams.app.stores import Stores
from tams.domain.clock import Clock
from tams.domain.service import EVENT_STREAMS, ServicePromises
from tams.services.accesses import Accesses
from tams.services.deletions import Deletions
from tams.services.flows import Flows
from tams.services.health import Health, Ping
from tams.services.instances import Instances
from tams.services.media import Media
from tams.services.objects import Objects
from tams.services.profiles import Profiles
from tams.services.segments import Segments
from tams.services.service import Service
from tams.services.sources import Sources
from tams.services.storage import StorageAllocation
from tams.services.uploads import Uploads
from tams.services.webhooks import Webhooks
from tams.settings import Settings
from tams.storage.storages import Storages

if TYPE_CHECKING:
    from tams.services.authentication import Authentication


def build_services(
    stores: Stores, deletions: Deletions, accesses: Accesses | None = None
) -> Services:
    """Every service that a route may ask; `accesses` are told of what is read."""
    settings, clock = stores.settings, stores.clock
    catalogue, storages = stores.catalogue, stores.storages
    return Services(
        service=Service(catalogue, _promises(settings), [one.backend for one in storages.values()]),
        sources=Sources(catalogue, clock),
        flows=Flows(catalogue, clock),
        segments=Segments(
            catalogue,
            storages.signer,
            clock,
            backend_labels=storages.labels,
            url_lifetime=stores.url_lifetime,
            uploads=build_uploads(stores),
        ),
        storage=StorageAllocation(
            catalogue,
            storages,
            clock,
            default=settings.storage_default,
            maximum=settings.storage_max,
            object_timeout=max(timedelta(seconds=settings.min_object_timeout), stores.url_lifetime),
        ),
        objects=Objects(catalogue, storages.signer, accesses),
        instances=Instances(catalogue, storages, clock, url_lifetime=stores.url_lifetime),
        profiles=Profiles(catalogue, clock),
        deletions=deletions,
        webhooks=Webhooks(
            catalogue,
            clock,
            stores.targets,
            every_type="event-stream" in chosen(settings.extensions),
        ),
        media=Media(storages.local, max_size=settings.max_object_size, accesses=accesses),
        health=Health({"catalogue": catalogue.ping, **_storage_pings(storages)}),
        authentication=_authentication(settings, clock),
    )


def _storage_pings(storages: Storages) -> Mapping[str, Ping]:
    backends = ((storage.backend, storage.ping) for storage in storages.values())
    return {f"storage:{backend.label or backend.id}": ping for backend, ping in backends}


def build_uploads(stores: Stores) -> Uploads | None:
    """What looks for bytes before they are registered, where that is wanted."""
    settings = stores.settings
    if not settings.verify_uploads:
        return None
    return Uploads(stores.catalogue, stores.storages, max_size=settings.max_object_size)


def _promises(settings: Settings) -> ServicePromises:
    extensions = tuple(chosen(settings.extensions))
    streams = (each for name in extensions for each in EVENT_STREAMS.get(name, ()))
    return ServicePromises(
        version=__version__,
        extensions=extensions,
        event_streams=tuple(streams),
        min_object_timeout=settings.min_object_timeout,
        min_presigned_url_timeout=settings.min_presigned_url_timeout,
    )


def _authentication(settings: Settings, clock: Clock) -> Authentication | None:
    if not settings.auth_schemes:
        return None
    from tams.app.authentication import build_authentication  # with it comes cryptography

    return build_authentication(settings, clock)
