"""What routes of extensions are given besides `api.deps`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from tams.services.analytics import Analytics


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionServices:
    """The services behind the routes of extensions alone."""

    analytics: Analytics


async def _services(request: Request) -> ExtensionServices:
    services: ExtensionServices = request.app.state.extension_services
    return services


ExtensionServicesDep = Annotated[ExtensionServices, Depends(_services)]
