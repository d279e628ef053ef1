"""What the routes are given: the services that `app` built, and who asks.

The functions are async because the framework runs others in a thread pool.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from tams.api.paging import PageSizes
from tams.domain.access import Principal
from tams.services.deletions import Deletions
from tams.services.flows import Flows
from tams.services.health import Health
from tams.services.instances import Instances
from tams.services.media import Media
from tams.services.objects import Objects
from tams.services.profiles import Profiles
from tams.services.segments import Segments
from tams.services.service import Service
from tams.services.sources import Sources
from tams.services.storage import StorageAllocation
from tams.services.webhooks import Webhooks

if TYPE_CHECKING:
    from tams.services.authentication import Authentication


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services behind the routes."""

    service: Service
    sources: Sources
    flows: Flows
    segments: Segments
    storage: StorageAllocation
    objects: Objects
    instances: Instances
    profiles: Profiles
    deletions: Deletions
    webhooks: Webhooks
    media: Media
    health: Health
    authentication: Authentication | None


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _sizes(request: Request) -> PageSizes:
    sizes: PageSizes = request.app.state.page_sizes
    return sizes


async def _who(request: Request) -> Principal:
    who: Principal = request.state.who
    return who


ServicesDep = Annotated[Services, Depends(_services)]
SizesDep = Annotated[PageSizes, Depends(_sizes)]
WhoDep = Annotated[Principal, Depends(_who)]
