"""The services behind the routes of extensions alone."""

from __future__ import annotations

from tams.api.deps import Services
from tams.app.stores import Stores
from tams.extensions.deps import ExtensionServices
from tams.services.analytics import Analytics


def build_extension_services(stores: Stores, services: Services) -> ExtensionServices:
    """Every service that only an extension asks."""
    del services
    return ExtensionServices(analytics=Analytics(stores.catalogue, stores.clock))
