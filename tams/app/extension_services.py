"""The services behind the routes of extensions."""

from __future__ import annotations

from tams.api.deps import Services
from tams.app.stores import Stores
from tams.extensions.deps import ExtensionServices
from tams.services.direct_creation import DirectCreation
from tams.services.named_collections import NamedCollections


def build_extension_services(stores: Stores, services: Services) -> ExtensionServices:
    """Every service that a route of an extension may ask besides."""
    catalogue, clock = stores.catalogue, stores.clock
    return ExtensionServices(
        direct_creation=DirectCreation(catalogue, clock, services.flows),
        named_collections=NamedCollections(catalogue, clock),
    )
