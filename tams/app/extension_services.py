"""The services behind the routes of extensions."""

from __future__ import annotations

from tams.api.deps import Services
from tams.app.services import build_uploads
from tams.app.stores import Stores
from tams.extensions.deps import ExtensionServices
from tams.services.segment_media import SegmentMedia
from tams.services.segment_tags import SegmentTags
from tams.services.segment_uploads import SegmentUploads, UploadRules


def build_extension_services(stores: Stores, services: Services) -> ExtensionServices:
    """Every service that a route of an extension may ask."""
    catalogue, storages, clock = stores.catalogue, stores.storages, stores.clock
    return ExtensionServices(
        segment_media=SegmentMedia(catalogue, storages, storages.signer, clock),
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
    )
