"""The services behind the routes of extensions."""

from __future__ import annotations

from tams.api.deps import Services
from tams.app.stores import Stores
from tams.extensions.deps import ExtensionServices
from tams.services.event_log import EventLog
from tams.services.event_stream import EventStream, Times


def build_extension_services(stores: Stores, services: Services) -> ExtensionServices:
    """Every service that a route of an extension may ask, beside those of the standard's."""
    del services
    event_log = EventLog(stores.catalogue, stores.storages.signer)
    return ExtensionServices(event_log=event_log, event_stream=_event_stream(stores, event_log))


def _event_stream(stores: Stores, log: EventLog) -> EventStream:
    settings = stores.settings
    times = Times(
        interval=settings.worker_interval / 4,
        heartbeat=settings.event_heartbeat,
        lifetime=settings.event_stream_lifetime,
    )
    return EventStream(stores.catalogue, log, stores.catalogue.listeners, times)
