"""The standard's JSON as the client sends and receives it (TAMS 8.2 schemas).

Every key that the standard makes optional may be absent; a server may send further keys.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypeAlias, TypedDict

Tags: TypeAlias = dict[str, str | list[str]]


class Service(TypedDict):
    """`service`."""

    type: str
    api_version: str
    min_object_timeout: str
    min_presigned_url_timeout: NotRequired[str]
    name: NotRequired[str]
    description: NotRequired[str]


class StorageBackend(TypedDict):
    """An item of `storage-backends-list`."""

    id: str
    store_type: str
    provider: str
    store_product: str
    label: NotRequired[str]
    default_storage: NotRequired[bool]
    tags: NotRequired[Tags]


class CollectionItem(TypedDict):
    """`collection-item`."""

    id: str
    role: NotRequired[str]


class Source(TypedDict):
    """`source`."""

    id: str
    format: str
    label: NotRequired[str]
    description: NotRequired[str]
    tags: NotRequired[Tags]
    source_collection: NotRequired[list[CollectionItem]]
    collected_by: NotRequired[list[str]]


class Flow(TypedDict):
    """`flow-get` and `flow-put`."""

    id: str
    source_id: str
    format: str
    label: NotRequired[str]
    description: NotRequired[str]
    codec: NotRequired[str]
    container: NotRequired[str]
    essence_parameters: NotRequired[dict[str, Any]]
    segment_duration: NotRequired[dict[str, int]]
    container_mapping: NotRequired[dict[str, Any]]
    avg_bit_rate: NotRequired[int]
    max_bit_rate: NotRequired[int]
    status: NotRequired[str]
    read_only: NotRequired[bool]
    tags: NotRequired[Tags]
    timerange: NotRequired[str]
    flow_collection: NotRequired[list[CollectionItem]]
    collected_by: NotRequired[list[str]]


class GetUrl(TypedDict):
    """An item of `get_urls` in `object-core`."""

    url: str
    label: NotRequired[str]
    presigned: NotRequired[bool]


class SegmentCore(TypedDict):
    """What a Segment is, posted and listed."""

    object_id: str
    timerange: str
    ts_offset: NotRequired[str]
    object_timerange: NotRequired[str]
    last_duration: NotRequired[str]
    key_frame_count: NotRequired[int]


class SegmentPost(SegmentCore):
    """`flow-segment-post`."""

    init_object_id: NotRequired[str]


class InitObject(TypedDict):
    """`init_object` in `flow-segment`."""

    object_id: str
    get_urls: NotRequired[list[GetUrl]]


class Segment(SegmentCore):
    """`flow-segment`."""

    get_urls: NotRequired[list[GetUrl]]
    init_object: NotRequired[InitObject]


class Object(TypedDict):
    """`object`."""

    id: str
    referenced_by_flows: list[str]
    first_referenced_by_flow: NotRequired[str]
    timerange: NotRequired[str]
    key_frame_count: NotRequired[int]
    get_urls: NotRequired[list[GetUrl]]


class FailedSegment(TypedDict):
    """An item of `failed_segments` in `flow-segment-bulk-failure`."""

    object_id: str
    timerange: NotRequired[str]
    error: NotRequired[dict[str, str]]


HttpRequest = TypedDict(
    "HttpRequest",
    {
        "url": str,
        "content-type": NotRequired[str],
        "headers": NotRequired[dict[str, str]],
    },
)
"""`http-request`."""


class MediaObject(TypedDict):
    """An item of `media_objects` in `flow-storage`."""

    object_id: str
    put_url: HttpRequest
    presigned: NotRequired[bool]
