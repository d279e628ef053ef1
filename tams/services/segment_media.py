"""One Segment with its bytes: what is known of them, the bytes themselves, and URLs of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tams.catalogue.base import Catalogue, Transaction
from tams.domain.clock import Clock
from tams.domain.objects import Instance, Object
from tams.domain.segments import Segment
from tams.domain.storage import Reading, Signer, Signers, UrlFilter
from tams.domain.tags import Tags
from tams.errors import Invalid, NotFound, StorageFailed
from tams.services.accesses import Accesses
from tams.services.media import Readable, open_object
from tams.services.questions import ask_each
from tams.services.segment_finding import find_segment
from tams.storage.base import Storage
from tams.storage.storages import in_use

LONGEST = 7 * 86400
"""Seconds for which a URL may be asked; S3 signs for no longer."""


@dataclass(frozen=True, slots=True)
class FoundSegment:
    """A Segment of a Flow, its Object, and its tags."""

    flow_id: str
    segment: Segment
    object: Object
    tags: Tags
    size: int | None
    """Bytes of the Object; None if they are not there, or not in a Storage Backend."""


@dataclass(frozen=True, slots=True)
class SignedUrl:
    """A URL of an Object's bytes; `expires` is None for one of somebody else's."""

    url: str
    expires: datetime | None


class SegmentMedia:
    """Reads single Segments, named by their ids or by their Objects'."""

    def __init__(
        self,
        catalogue: Catalogue,
        storages: Mapping[str, Storage],
        signers: Signers,
        clock: Clock,
        accesses: Accesses,
    ) -> None:
        """`accesses` are told of each Object that is read."""
        self._catalogue = catalogue
        self._storages = storages
        self._signers = signers
        self._clock = clock
        self._accesses = accesses

    async def get(self, flow_id: str, name: str) -> FoundSegment:
        """Return one Segment; raises `NotFound`."""
        return (await self.get_all(flow_id, [name]))[0]

    async def get_all(self, flow_id: str, names: Sequence[str]) -> Sequence[FoundSegment]:
        """Return some Segments as they were at one moment; raises `NotFound` for one not there."""

        async def work(tx: Transaction) -> list[FoundSegment]:
            segments = [await find_segment(tx, flow_id, name) for name in names]
            tags = await tx.segment_tags.get(flow_id, [each.start for each in segments])
            return [
                FoundSegment(flow_id, each, known, tags.get(each.start, {}), known.size)
                for each in segments
                if (known := await tx.objects.get(each.object_id)) is not None
            ]

        return await ask_each(self._measured, await self._catalogue.read(work))

    def signer(self, base_url: str, urls: UrlFilter) -> Signer:
        """What makes the `get_urls` of Segments, for a caller who reached us at `base_url`."""
        return self._signers(urls, base_url)

    async def open(self, flow_id: str, name: str) -> tuple[str, Readable | str]:
        """The Object of a Segment, and its bytes, open; or a URL of them if others have them.

        Raises `NotFound`, also for bytes that are not there, and `StorageFailed`.
        """
        object_id, place = await self._place(flow_id, name)
        if place.url is not None:
            return object_id, place.url
        storage = in_use(self._storages, place.storage_id)
        return object_id, await open_object(storage, place.key or "")

    def is_read(self, object_id: str) -> None:
        """Somebody reads these bytes from their beginning."""
        self._accesses.note(object_id)

    async def sign(
        self, base_url: str, flow_id: str, name: str, method: Reading, seconds: int
    ) -> SignedUrl:
        """A URL of the bytes, good for that method and for that long.

        Raises `NotFound`, `Invalid` for a time that nobody signs for, and `StorageFailed`.
        """
        if not 0 < seconds <= LONGEST:
            raise Invalid("expires_in", seconds, f"it must be 1 to {LONGEST} seconds")
        _, place = await self._place(flow_id, name)
        if place.url is not None:
            return SignedUrl(place.url, None)
        storage = in_use(self._storages, place.storage_id)
        now = self._clock().replace(microsecond=0)
        url = storage.sign_for(base_url, place.key or "", method, seconds)
        return SignedUrl(url, now + timedelta(seconds=seconds))

    async def _place(self, flow_id: str, name: str) -> tuple[str, Instance]:
        """The Object, and the first of its instances that can be reached."""

        async def work(tx: Transaction) -> Segment:
            return await find_segment(tx, flow_id, name)

        segment = await self._catalogue.read(work)
        instances = segment.instances
        reached = (one for one in instances if one.url or one.storage_id in self._storages)
        found = next(reached, next(iter(instances), None))
        if found is None:
            raise NotFound("instance of Segment", name)
        return segment.object_id, found

    async def _measured(self, found: FoundSegment) -> FoundSegment:
        """The same with the size of its bytes, if nobody has measured them before."""
        place = next((one for one in found.object.instances if one.key is not None), None)
        if found.size is not None or place is None:
            return found
        try:
            storage = in_use(self._storages, place.storage_id)
            stored = await storage.head(place.key or "")
        except StorageFailed:
            return found
        size = None if stored is None else stored.size
        return FoundSegment(found.flow_id, found.segment, found.object, found.tags, size)
