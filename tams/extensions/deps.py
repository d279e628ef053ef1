"""What the routes of extensions are given beyond what the standard's are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from tams.services.event_log import EventLog
from tams.services.event_stream import EventStream


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionServices:
    """The services behind the routes of extensions."""

    event_log: EventLog
    event_stream: EventStream


async def _services(request: Request) -> ExtensionServices:
    services: ExtensionServices = request.app.state.extension_services
    return services


ExtensionServicesDep = Annotated[ExtensionServices, Depends(_services)]
