"""The services behind the routes of extensions alone."""

from __future__ import annotations

from datetime import timedelta

from tams.api.deps import Services
from tams.app.background import build_trash
from tams.app.stores import Stores
from tams.extensions.deps import ExtensionServices
from tams.services.restoration import Restoration
from tams.services.soft_deletion import SoftDeletion


def build_extension_services(stores: Stores, services: Services) -> ExtensionServices:
    """Every service that a route of an extension may ask, besides those of the standard."""
    catalogue, clock = stores.catalogue, stores.clock
    object_timeout = timedelta(seconds=stores.settings.min_object_timeout)
    return ExtensionServices(
        soft_deletion=SoftDeletion(
            catalogue, services.deletions, clock, url_lifetime=stores.url_lifetime
        ),
        restoration=Restoration(
            catalogue, clock, object_timeout=max(object_timeout, stores.url_lifetime)
        ),
        trash=build_trash(stores),
    )
