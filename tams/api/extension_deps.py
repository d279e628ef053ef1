"""What the routes of extensions are given besides the services of the standard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from tams.services.analytics import Analytics
from tams.services.direct_creation import DirectCreation
from tams.services.event_log import EventLog
from tams.services.event_stream import EventStream
from tams.services.named_collections import NamedCollections
from tams.services.referenced_objects import ReferencedObjects
from tams.services.restoration import Restoration
from tams.services.segment_media import SegmentMedia
from tams.services.segment_tags import SegmentTags
from tams.services.segment_uploads import SegmentUploads
from tams.services.soft_deletion import SoftDeletion
from tams.services.trash import Trash
from tams.services.windows import Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionServices:
    """The services behind the routes of extensions."""

    analytics: Analytics
    direct_creation: DirectCreation
    named_collections: NamedCollections
    segment_media: SegmentMedia
    segment_tags: SegmentTags
    segment_uploads: SegmentUploads
    soft_deletion: SoftDeletion
    restoration: Restoration
    trash: Trash
    event_log: EventLog
    event_stream: EventStream
    windows: Windows
    referenced_objects: ReferencedObjects


async def _extension_services(request: Request) -> ExtensionServices:
    services: ExtensionServices = request.app.state.extension_services
    return services


ExtensionServicesDep = Annotated[ExtensionServices, Depends(_extension_services)]
