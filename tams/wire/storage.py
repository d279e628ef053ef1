"""Allocating storage: the request and its answer (TAMS 8.2 `flow-storage-post`, `flow-storage`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from tams.domain.numbers import Integer
from tams.domain.patterns import MIME_TYPE, UUID
from tams.domain.storage import Allocation, StorageRequest
from tams.wire.values import WHOLE, Text, matching, parse, present


class StoragePost(TypedDict, total=False):
    """What a client asks of an allocation; unknown keys are ignored."""

    limit: Annotated[Integer, WHOLE]
    object_ids: tuple[Text, ...]
    storage_id: Annotated[str, matching(UUID, "it must be the id of a Storage Backend, a UUID")]
    content_type: Annotated[str, matching(MIME_TYPE, "it must be a MIME type such as video/mp4")]
    presigned: bool


_STORAGE_POST: TypeAdapter[StoragePost] = TypeAdapter(StoragePost)


def parse_storage_request(body: bytes) -> StorageRequest:
    """Read the body of POST /flows/{flowId}/storage, which may be empty; raises `Invalid`."""
    return StorageRequest(**parse(_STORAGE_POST, body)) if body else StorageRequest()


def allocations_json(allocations: Sequence[Allocation]) -> bytes:
    """The body of a 201 to POST /flows/{flowId}/storage."""
    return json.dumps({"media_objects": [_media_object(item) for item in allocations]}).encode()


def _media_object(allocation: Allocation) -> dict[str, Any]:
    put = allocation.put_url
    request = {"url": put.url, "content-type": put.content_type, "headers": put.headers or None}
    item: dict[str, Any] = {"object_id": allocation.object_id, "put_url": present(request)}
    return item | ({"presigned": True} if put.presigned else {})
