"""The operations of the standard, as methods (TAMS 8.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import aiohttp

from tams.client.connection import Connection, Filter, Progress
from tams.client.credentials import ClientCredentials
from tams.client.resources import (
    FailedSegment,
    Flow,
    GetUrl,
    MediaObject,
    Object,
    Segment,
    SegmentPost,
    Service,
    Source,
    StorageBackend,
)
from tams.client.retry import Retry
from tams.errors import RequestFailed

T = TypeVar("T")

BATCH = 500
"""Segments in one POST: half of what a server of this project takes in one transaction."""


def _unheard(_moved: int) -> None:
    """Progress that nobody follows."""


class TAMSClient:
    """One TAMS server; made inside a running event loop, used as `async with TAMSClient(url)`.

    Lists follow paging to their end. A request is made again after a lost connection or a 429, 502,
    503 or 504 if that cannot do it twice; a storage allocation only if it never left. Every error
    is a `RequestFailed` with the server's own words, and so is an answer of another shape than the
    standard's, such as those below `/vast`. With `credentials`, a token that the server refuses is
    renewed once, and the request made again. A filter is a keyword argument; names that
    are no identifier go in by `**{"tag.genre": "news"}`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        credentials: ClientCredentials | None = None,
        session: aiohttp.ClientSession | None = None,
        retry: Retry | None = None,
    ) -> None:
        bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._connection = Connection(
            base_url, {**bearer, **(headers or {})}, credentials, retry or Retry(), session
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the session, unless it was given."""
        await self._connection.close()

    async def service(self) -> Service:
        """GET /service."""
        return await self._get(Service, "service")

    def storage_backends(self, **filters: Filter) -> AsyncIterator[StorageBackend]:
        """GET /service/storage-backends."""
        return self._list(StorageBackend, "service", "storage-backends", **filters)

    def sources(self, **filters: Filter) -> AsyncIterator[Source]:
        """GET /sources."""
        return self._list(Source, "sources", **filters)

    async def source(self, source_id: str) -> Source:
        """GET /sources/{id}."""
        return await self._get(Source, "sources", source_id)

    async def put_source_property(self, source_id: str, name: str, value: str) -> None:
        """PUT /sources/{id}/label or /description."""
        await self._connection.call("PUT", self._connection.url("sources", source_id, name), value)

    async def put_source_tag(self, source_id: str, name: str, value: str | list[str]) -> None:
        """PUT /sources/{id}/tags/{name}."""
        url = self._connection.url("sources", source_id, "tags", name)
        await self._connection.call("PUT", url, value)

    def flows(self, **filters: Filter) -> AsyncIterator[Flow]:
        """GET /flows."""
        return self._list(Flow, "flows", **filters)

    async def flow(
        self, flow_id: str, *, include_timerange: bool = False, timerange: str | None = None
    ) -> Flow:
        """GET /flows/{id}."""
        asked = {"include_timerange": include_timerange or None, "timerange": timerange}
        return await self._get(Flow, "flows", flow_id, **asked)

    async def put_flow(self, flow: Flow) -> None:
        """PUT /flows/{id}: create it, or replace its metadata."""
        await self._connection.call("PUT", self._connection.url("flows", flow["id"]), flow)

    async def put_flow_property(self, flow_id: str, name: str, value: object) -> None:
        """PUT /flows/{id}/{name}: label, description, read_only, bit rates, flow_collection."""
        await self._connection.call("PUT", self._connection.url("flows", flow_id, name), value)

    async def delete_flow(self, flow_id: str) -> dict[str, Any] | None:
        """DELETE /flows/{id}; return the delete request if the server goes on with it later."""
        url = self._connection.url("flows", flow_id)
        return (await self._connection.call("DELETE", url)).object_if_any()

    def segments(
        self,
        flow_id: str,
        *,
        timerange: str | None = None,
        newest_first: bool = False,
        **filters: Filter,
    ) -> AsyncIterator[Segment]:
        """GET /flows/{id}/segments, in the order of their time."""
        order = newest_first or None
        asked = {"timerange": timerange, "reverse_order": order, **filters}
        return self._list(Segment, "flows", flow_id, "segments", **asked)

    async def add_segments(
        self, flow_id: str, segments: Sequence[SegmentPost]
    ) -> list[FailedSegment]:
        """POST /flows/{id}/segments, in batches; return those that the server refused.

        Repeatable: a Segment that is there already, just so, counts as added.
        """
        url = self._connection.url("flows", flow_id, "segments")
        failed: list[FailedSegment] = []
        for first in range(0, len(segments), BATCH):
            reply = await self._connection.call("POST", url, segments[first : first + BATCH])
            if "failed_segments" in (reply.object_if_any() or {}):
                failed += reply.array_of("failed_segments")
        return failed

    async def delete_segments(
        self, flow_id: str, *, timerange: str | None = None, object_id: str | None = None
    ) -> dict[str, Any] | None:
        """DELETE /flows/{id}/segments; return the delete request if the server goes on later."""
        url = self._connection.url(
            "flows", flow_id, "segments", timerange=timerange, object_id=object_id
        )
        return (await self._connection.call("DELETE", url)).object_if_any()

    async def allocate(
        self,
        flow_id: str,
        *,
        limit: int | None = None,
        object_ids: Sequence[str] | None = None,
        storage_id: str | None = None,
        content_type: str | None = None,
    ) -> list[MediaObject]:
        """POST /flows/{id}/storage: room for `limit` new Objects, or for those named.

        A server may give fewer than `limit`. `content_type` is that of init Objects; others have
        the Flow's `container`.
        """
        asked = {
            "limit": limit,
            "object_ids": object_ids,
            "storage_id": storage_id,
            "content_type": content_type,
        }
        body = {name: value for name, value in asked.items() if value is not None}
        url = self._connection.url("flows", flow_id, "storage")
        reply = await self._connection.call("POST", url, body, repeatable=False)
        return reply.array_of("media_objects")

    async def upload(
        self, to: MediaObject, file: Path, progress: Progress = _unheard, *, plain: bool = False
    ) -> None:
        """PUT the bytes of `file` where `allocate` said, with a checksum unless `plain`."""
        await self._connection.send_file(to, file, progress, plain=plain)

    async def download(
        self, get_urls: Sequence[GetUrl], file: Path, progress: Progress = _unheard
    ) -> None:
        """GET the bytes of an Object into `file` from the first of its URLs that gives them."""
        failure = RequestFailed(0, "the server gives no URL for this Object")
        for entry in get_urls:
            signed = entry.get("presigned", False)
            try:
                return await self._connection.fetch_file(
                    entry["url"], file, signed=signed, progress=progress
                )
            except RequestFailed as error:
                failure = error
        raise failure

    async def object(self, object_id: str) -> Object:
        """GET /objects/{id}."""
        return await self._get(Object, "objects", object_id)

    async def _get(self, _kind: type[T], *path: str, **query: Filter) -> T:
        reply = await self._connection.call("GET", self._connection.url(*path, **query))
        return cast("T", reply.object())

    async def _list(self, _kind: type[T], *path: str, **filters: Filter) -> AsyncIterator[T]:
        url: str | None = self._connection.url(*path, **filters)
        while url is not None:
            reply = await self._connection.call("GET", url)
            for item in reply.array():
                yield item
            url = reply.next_url
