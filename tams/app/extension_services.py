"""The services behind the routes of extensions."""

from __future__ import annotations

from datetime import timedelta

from tams.api.deps import Services
from tams.api.extension_deps import ExtensionServices
from tams.app.background import build_trash
from tams.app.services import build_uploads
from tams.app.stores import Stores
from tams.services.accesses import Accesses
from tams.services.analytics import Analytics
from tams.services.direct_creation import DirectCreation
from tams.services.event_log import EventLog
from tams.services.event_stream import EventStream, Times
from tams.services.named_collections import NamedCollections
from tams.services.referenced_objects import ReferencedObjects
from tams.services.restoration import Restoration
from tams.services.segment_media import SegmentMedia
from tams.services.segment_tags import SegmentTags
from tams.services.segment_uploads import SegmentUploads, UploadRules
from tams.services.soft_deletion import SoftDeletion
from tams.services.windows import Windows


def build_extension_services(
    stores: Stores, services: Services, accesses: Accesses
) -> ExtensionServices:
    """Every service that a route of an extension may ask besides; `accesses` as for the others."""
    catalogue, storages, clock = stores.catalogue, stores.storages, stores.clock
    object_timeout = timedelta(seconds=stores.settings.min_object_timeout)
    event_log = EventLog(catalogue, storages.signer)
    return ExtensionServices(
        analytics=Analytics(catalogue, clock),
        direct_creation=DirectCreation(catalogue, clock, services.flows),
        named_collections=NamedCollections(catalogue, clock),
        segment_media=SegmentMedia(catalogue, storages, storages.signer, clock, accesses),
        segment_tags=SegmentTags(catalogue),
        segment_uploads=SegmentUploads(
            catalogue,
            services.storage,
            services.flows,
            clock,
            UploadRules(
                backend_labels=storages.labels,
                url_lifetime=stores.url_lifetime,
                max_size=stores.settings.max_object_size,
            ),
            build_uploads(stores),
        ),
        soft_deletion=SoftDeletion(
            catalogue, services.deletions, clock, url_lifetime=stores.url_lifetime
        ),
        restoration=Restoration(
            catalogue, clock, object_timeout=max(object_timeout, stores.url_lifetime)
        ),
        trash=build_trash(stores),
        event_log=event_log,
        event_stream=_event_stream(stores, event_log),
        windows=Windows(catalogue, storages, clock, most_urls=stores.settings.get_urls_max),
        referenced_objects=ReferencedObjects(catalogue),
    )


def _event_stream(stores: Stores, log: EventLog) -> EventStream:
    settings = stores.settings
    times = Times(
        interval=settings.worker_interval / 4,
        heartbeat=settings.event_heartbeat,
        lifetime=settings.event_stream_lifetime,
    )
    return EventStream(stores.catalogue, log, stores.catalogue.listeners, times)
