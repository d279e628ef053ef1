"""Segments that come with their bytes: allocated, written and registered in one request."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from tams.catalogue.base import Catalogue, Transaction
from tams.catalogue.promises.segments import MAX_SEGMENTS
from tams.domain.access import Principal
from tams.domain.clock import Clock
from tams.domain.flows import LockedFlow
from tams.domain.objects import NewObject, new_object_ids
from tams.domain.patterns import MIME_TYPE
from tams.domain.registration import KnownObject, Survey, decide, screen
from tams.domain.segment_ids import segment_id
from tams.domain.segment_tags import check_segment_tags
from tams.domain.segment_uploads import DeclaredSegment, UploadedFile
from tams.domain.segments import NewSegment, Refusal
from tams.errors import FlowReadOnly, Invalid, TamsError, TooLarge
from tams.services.flows import Flows
from tams.services.locking import container_of, lock_writable
from tams.services.removal import make_way
from tams.services.segments import segments_added
from tams.services.storage import StorageAllocation
from tams.services.uploads import Uploads
from tams.storage.base import Storage

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRules:
    """What an upload goes by: the labels of backends, how long URLs live, how large Objects are."""

    backend_labels: frozenset[str]
    url_lifetime: timedelta
    max_size: int


class SegmentUploads:
    """Takes Segments with their bytes; all of a request are registered, or none.

    An Object is allocated before its bytes come, and the allocation is prolonged while they do.
    Whatever ends the request before its Segments are registered takes the bytes away again; a
    process that is killed leaves allocations, which expire.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        allocation: StorageAllocation,
        flows: Flows,
        clock: Clock,
        rules: UploadRules,
        uploads: Uploads | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.allocation = allocation
        self.flows = flows
        self.clock = clock
        self.rules = rules
        self.uploads = uploads

    @asynccontextmanager
    async def begin(
        self, who: Principal, flow_id: str, storage_id: str | None
    ) -> AsyncIterator[SegmentUpload]:
        """One request to a Flow; what it brings lies in that backend, or in the default one.

        Raises `NotFound`, `FlowReadOnly`, and `Invalid` for an unknown backend, before any of it
        has come. Behind it nothing is left that is not registered.
        """
        self.allocation.storage(storage_id)
        if (await self.flows.get(flow_id)).read_only:
            raise FlowReadOnly(flow_id)
        upload = SegmentUpload(self, who, flow_id, storage_id)
        try:
            yield upload
        except BaseException:
            try:
                await upload.abandon()
            except TamsError as failure:
                _log.warning("a broken upload is left to the clean-up", error=str(failure))
            raise


class SegmentUpload:
    """One request: Segments and files in any order, the first file for the first Segment and so on.

    What can be refused before the bytes have come is refused then.
    """

    def __init__(
        self, service: SegmentUploads, who: Principal, flow_id: str, storage_id: str | None
    ) -> None:
        self._service = service
        self._who = who
        self._flow_id = flow_id
        self._storage_id = storage_id
        self._mark = secrets.token_hex(4)
        self._declared: list[DeclaredSegment] = []
        self._checked = 0
        self._files: list[NewObject] = []
        self._sizes: list[int] = []
        self._renewal = service.clock()

    def declare(self, segments: Sequence[DeclaredSegment]) -> None:
        """Take note of Segments; raises `Invalid` for what no Flow could take."""
        for declared in segments:
            check_segment_tags(declared.tags)
        _, refused = screen([declared.post for declared in segments])
        _raise_first(refused)
        self._declared += segments
        if len(self._declared) > MAX_SEGMENTS:
            rule = f"a form may hold {MAX_SEGMENTS} Segments"
            raise Invalid("segment", len(self._declared), rule)

    async def store(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> None:
        """Store the bytes of the next file.

        Raises `NotFound`, `FlowReadOnly`, `Invalid`, `TooLarge`, `StorageFailed`, and whatever
        `chunks` raises.
        """
        storage = self._service.allocation.storage(self._storage_id)
        new = await self._allocate(storage, file.content_type)
        self._files.append(new)
        self._renewal = self._service.clock() + self._service.allocation.lifetime / 2
        stored = await storage.write(
            new.key, new.content_type, file.checksums, self._watched(chunks)
        )
        if not stored.size:
            raise Invalid("file", stored.size, "it must have at least one byte")
        self._sizes.append(stored.size)

    async def finish(self) -> Sequence[str]:
        """Register the Segments, and return their ids in the order in which they were declared.

        Raises `NotFound`, `FlowReadOnly`, and `Invalid`; then none is.
        """
        if not self._declared:
            raise Invalid("segment", None, "the form must declare the Segment")
        if self._files and len(self._files) != len(self._declared):
            rule = f"there must be one for each of the {len(self._declared)} Segments, or none"
            raise Invalid("file", len(self._files), rule)
        posts, renamed = self._paired()
        if not self._files and self._service.uploads is not None:
            _, refused = await self._service.uploads.screen(posts)
            _raise_first(refused)

        async def work(tx: Transaction) -> bool:
            return await self._register(tx, posts, renamed)

        while not await self._service.catalogue.write(work):
            continue
        return [segment_id(self._flow_id, post.timerange.start or 0) for post in posts]

    async def abandon(self) -> None:
        """Leave nothing behind that is not registered; what fails now the clean-up does later."""
        if not self._files:
            return
        catalogue, now = self._service.catalogue, self._service.clock()
        ids = {new.id: new for new in self._files}

        async def condemn(tx: Transaction) -> Sequence[int]:
            return await tx.objects.abandon(ids, now)

        keys = await catalogue.write(condemn)
        if len(keys) < len(ids):
            return  # registered, whatever has failed then, or expired
        storage = self._service.allocation.storage(self._storage_id)
        failed = await storage.delete_many([new.key for new in self._files])
        for failure in failed.values():
            _log.warning("bytes of a broken upload are left to the clean-up", error=str(failure))
        if failed:
            return

        async def forget(tx: Transaction) -> None:
            await tx.objects.forget(keys)

        await catalogue.write(forget)

    async def _allocate(self, storage: Storage, content_type: str | None) -> NewObject:
        place = len(self._files)
        wanted = self._declared[place].post.object_id if place < len(self._declared) else ""
        object_id = wanted or new_object_ids(1, self._service.clock())[0]

        async def work(tx: Transaction) -> NewObject:
            flow = await lock_writable(tx, self._flow_id)
            kind = content_type or container_of(flow)
            if flow.container is None:
                _container_from(kind)
            await self._check(tx, flow)
            allocation = self._service.allocation
            [new] = await allocation.reserve(tx, flow, storage, [object_id], kind, self._mark)
            return new

        new = await self._service.catalogue.write(work)
        self._checked = len(self._declared)
        return new

    async def _check(self, tx: Transaction, flow: LockedFlow) -> None:
        """Refuse Segments that could not be registered if their bytes were there already."""
        posts = [
            post if post.object_id else post._replace(object_id=f"{place}")
            for place, (post, _) in enumerate(self._declared[self._checked :])
        ]
        _refuse_urls(posts)
        if not posts or flow.deletions:  # what is in their way may be about to go
            return
        survey = await tx.segments.survey(flow, posts)
        allocated = KnownObject(0, "allocated", flow.key, None, None)
        objects = {**survey.objects, **{post.object_id: allocated for post in posts}}
        assumed = Survey(objects, survey.neighbours)
        _raise_first(decide(flow, posts, assumed, self._service.rules.backend_labels).refused)

    async def _watched(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same bytes, not too many; what they are allocated to does not expire meanwhile."""
        size, most = 0, self._service.rules.max_size
        async for chunk in chunks:
            size += len(chunk)
            if size > most:
                raise TooLarge(f"file: an Object may have at most {most} bytes")
            if self._service.clock() >= self._renewal:
                await self._prolong()
            yield chunk

    async def _prolong(self) -> None:
        lifetime = self._service.allocation.lifetime
        now = self._service.clock()

        async def work(tx: Transaction) -> None:
            await tx.objects.prolong([new.id for new in self._files], now + lifetime)

        await self._service.catalogue.write(work)
        self._renewal = now + lifetime / 2

    def _paired(self) -> tuple[list[NewSegment], dict[str, str]]:
        """The Segments with their Objects; and those of these that came before their ids."""
        posts, renamed = [], {}
        for place, (post, _) in enumerate(self._declared):
            if self._files:
                file = self._files[place]
                if post.object_id and post.object_id != file.id:
                    renamed[file.id] = post.object_id
                post = post._replace(object_id=post.object_id or file.id)
            if not post.object_id:
                raise Invalid("object_id", None, "it must be given where no file comes along")
            posts.append(post)
        if self._files:
            _refuse_urls(posts)
        return posts, renamed

    async def _register(
        self, tx: Transaction, posts: Sequence[NewSegment], renamed: dict[str, str]
    ) -> bool:
        flow = await lock_writable(tx, self._flow_id)
        await self._provide_container(tx, flow)
        now = self._service.clock()
        due = now + self._service.rules.url_lifetime
        if flow.deletions and not await make_way(tx, flow, posts, now, due):
            return False
        for taken in await tx.objects.taken(renamed.values()):
            raise Invalid("object_id", taken, "it must be new where a file comes along")
        await tx.objects.rename(renamed)
        measured = zip(posts, self._sizes, strict=False)  # none without files
        await tx.objects.measure({post.object_id: size for post, size in measured})
        survey = await tx.segments.survey(flow, posts)
        decision = decide(flow, posts, survey, self._service.rules.backend_labels)
        _raise_first(decision.refused)
        if decision.accepted:
            await tx.segments.add(flow, decision.accepted, now)
            await tx.events.append(*segments_added(flow, decision))
        tags = {
            post.timerange.start or 0: declared.tags
            for post, declared in zip(posts, self._declared, strict=True)
            if declared.tags
        }
        if tags:
            await tx.segment_tags.replace(flow, tags)
        return True

    async def _provide_container(self, tx: Transaction, flow: LockedFlow) -> None:
        """A Flow that has no container takes that of its first file."""
        if flow.container is not None:
            return
        if not self._files:
            container_of(flow)
        container = _container_from(self._files[0].content_type)
        await self._service.flows.change_within(
            tx, self._who, flow.id, lambda old: replace(old, container=container)
        )


def _container_from(content_type: str) -> str:
    kind = content_type.partition(";")[0].strip().lower()
    if MIME_TYPE.fullmatch(kind) is None:
        rule = "it must be a MIME type such as video/mp4, since the Flow has no container"
        raise Invalid("Content-Type of file", content_type, rule)
    return kind


def _refuse_urls(posts: Sequence[NewSegment]) -> None:
    for post in posts:
        if post.get_urls:
            shown = post.get_urls[0].url
            raise Invalid("get_urls", shown, "they must be left out where the bytes come along")


def _raise_first(refused: Sequence[Refusal]) -> None:
    for refusal in refused:
        error = Invalid("segment", refusal.object_id, refusal.reason)
        error.args = (refusal.reason,)  # which names field, value and rule itself
        raise error
