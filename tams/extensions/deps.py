"""What the routes of extensions are given besides the services of the standard's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from tams.services.segment_media import SegmentMedia
from tams.services.segment_tags import SegmentTags
from tams.services.segment_uploads import SegmentUploads


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionServices:
    """The services behind the routes of extensions."""

    segment_media: SegmentMedia
    segment_tags: SegmentTags
    segment_uploads: SegmentUploads


async def _services(request: Request) -> ExtensionServices:
    services: ExtensionServices = request.app.state.extension_services
    return services


ExtensionServicesDep = Annotated[ExtensionServices, Depends(_services)]
