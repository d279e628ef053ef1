"""A Flow as its row keeps it: what is listed by or locked has columns, the rest is a document."""

from __future__ import annotations

from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from tams.catalogue.sql.moments import microseconds, moment
from tams.domain.flows import (
    AudioParameters,
    CollectionItem,
    ContainerMapping,
    DataParameters,
    Flow,
    FlowStatus,
    ImageParameters,
    MultiParameters,
    Ratio,
    VideoParameters,
)
from tams.domain.sources import ContentFormat
from tams.domain.tags import Tags

E = TypeVar("E")


class Document(TypedDict, Generic[E], total=False):
    """What has no column of its own; unset properties are absent."""

    essence_parameters: E
    segment_duration: Ratio
    container_mapping: ContainerMapping


class FlowRow(NamedTuple):
    """The columns that make a Flow, in the order in which they are read."""

    pk: int
    id: str
    source_id: str
    format: str
    codec: str | None
    container: str | None
    label: str | None
    description: str | None
    status: str | None
    read_only: int | None
    avg_bit_rate: int | None
    max_bit_rate: int | None
    profile_id: str | None
    generation: int | None
    metadata_version: str | None
    created_by: str | None
    updated_by: str | None
    created: int
    metadata_updated: int
    segments_updated: int | None
    document: str

    def flow(
        self, tags: Tags, collection: tuple[CollectionItem, ...], collected_by: tuple[str, ...]
    ) -> Flow:
        """Return the Flow whole."""
        content = ContentFormat(self.format)
        segments_updated = self.segments_updated
        return Flow(
            id=self.id,
            source_id=self.source_id,
            format=content,
            codec=self.codec,
            container=self.container,
            label=self.label,
            description=self.description,
            status=None if self.status is None else FlowStatus(self.status),
            read_only=None if self.read_only is None else bool(self.read_only),
            avg_bit_rate=self.avg_bit_rate,
            max_bit_rate=self.max_bit_rate,
            profile_id=self.profile_id,
            generation=self.generation,
            metadata_version=self.metadata_version,
            created_by=self.created_by,
            updated_by=self.updated_by,
            created=moment(self.created),
            metadata_updated=moment(self.metadata_updated),
            segments_updated=None if segments_updated is None else moment(segments_updated),
            tags=tags,
            flow_collection=collection,
            collected_by=collected_by,
            **reader(content).validate_json(self.document),
        )


_KEPT = (
    "source_id", "format", "codec", "container", "label", "description", "status", "avg_bit_rate",
    "max_bit_rate", "profile_id", "generation", "metadata_version", "created_by", "updated_by",
)  # fmt: skip
_MADE = (
    "read_only", "frame_width", "frame_height", "init_segments", "metadata_updated", "document",
)  # fmt: skip
METADATA = (*_KEPT, *_MADE)
"""The columns that a change of metadata writes; a new Flow's row has UNCHANGING ones besides."""
UNCHANGING = ("id", "created", "segments_updated")
_DOCUMENT = set(Document.__annotations__)


def metadata(flow: Flow) -> dict[str, Any]:
    """Return the values of the columns METADATA, by name."""
    essence = flow.essence_parameters
    video = essence if isinstance(essence, VideoParameters) else None
    document = _writer().dump_json(flow, include=_DOCUMENT, exclude_none=True)
    return {
        **{name: getattr(flow, name) for name in _KEPT},
        "read_only": _flag(flow.read_only),
        "frame_width": None if video is None else video.frame_width,
        "frame_height": None if video is None else video.frame_height,
        "init_segments": _flag(getattr(essence, "init_segments", None)),
        "metadata_updated": microseconds(flow.metadata_updated),
        "document": document.decode(),
    }


def unchanging(flow: Flow) -> dict[str, Any]:
    """Return the values of the columns UNCHANGING, by name."""
    updated = flow.segments_updated
    return {
        "id": flow.id,
        "created": microseconds(flow.created),
        "segments_updated": None if updated is None else microseconds(updated),
    }


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)


@cache
def _writer() -> TypeAdapter[Flow]:
    return TypeAdapter(Flow)


@cache
def reader(content: ContentFormat) -> TypeAdapter[Document[Any]]:
    """What reads a document of a Flow, or a Profile, of that format; other keys are ignored."""
    match content:
        case ContentFormat.VIDEO:
            return TypeAdapter(Document[VideoParameters])
        case ContentFormat.AUDIO:
            return TypeAdapter(Document[AudioParameters])
        case ContentFormat.IMAGE:
            return TypeAdapter(Document[ImageParameters])
        case ContentFormat.DATA:
            return TypeAdapter(Document[DataParameters])
        case ContentFormat.MULTI:
            return TypeAdapter(Document[MultiParameters])
