"""Flows (TAMS 8.2 `flow-common`, `flow-technical` and the five schemas by format)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from annotated_types import MinLen

from tams.domain.numbers import Integer, Natural, Positive
from tams.domain.sources import ContentFormat
from tams.domain.tags import TagFilter, Tags
from tams.domain.timerange import TimeRange

_CHANNEL_RANGE = re.compile("[0-9]+_[0-9]+")
_HEX4, _HEX8 = "[0-9a-fA-F]{4}", "[0-9a-fA-F]{8}"
_PACKAGE_UID = re.compile(
    f"urn:smpte:umid:{_HEX8}(.{_HEX8}){{7}}|urn:uuid:{_HEX8}(-{_HEX4}){{3}}-[0-9a-fA-F]{{12}}"
)


_OPEN = {"extra": "ignore"}
"""Within `essence_parameters`, whose own keys are fixed, unknown ones are ignored."""


class FlowStatus(StrEnum):
    """Where a Flow stands in its life, as its writers say (`flow-status`)."""

    AWAITING_CONTENT = "awaiting_content"
    INGESTING = "ingesting"
    REPLICATION_IN_PROGRESS = "replication_in_progress"
    CLOSED_COMPLETE = "closed_complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """An exact quotient; the denominator is 1 if it was not given."""

    __pydantic_config__: ClassVar = _OPEN

    numerator: Positive
    denominator: Positive | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AspectRatio:
    """Width by height."""

    __pydantic_config__: ClassVar = _OPEN

    numerator: Positive
    denominator: Positive


@dataclass(frozen=True, slots=True, kw_only=True)
class UncompressedVideo:
    """How uncompressed pixels are laid out."""

    __pydantic_config__: ClassVar = _OPEN

    unc_type: Literal[
        "planar", "YUYV", "UYVY", "AYUV", "v210", "v216", "RGB", "RGBx", "xRGB", "BGRx", "xBGR",
        "RGBA", "ARGB", "BGRA", "ABGR", "alpha",
    ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AVCParameters:
    """Profile, level and constraint flags of H.264."""

    __pydantic_config__: ClassVar = _OPEN

    profile: Integer
    level: Integer
    flags: Integer


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoParameters:
    """`essence_parameters` of a video Flow; unknown keys are refused."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    frame_width: Positive
    frame_height: Positive
    bit_depth: Positive | None = None
    interlace_mode: (
        Literal["progressive", "interlaced_tff", "interlaced_bff", "interlaced_psf"] | None
    ) = None
    colorspace: Literal["BT601", "BT709", "BT2020", "BT2100"] | None = None
    transfer_characteristic: Literal["SDR", "HLG", "PQ"] | None = None
    aspect_ratio: AspectRatio | None = None
    pixel_aspect_ratio: AspectRatio | None = None
    component_type: Literal["YCbCr", "RGB"] | None = None
    horiz_chroma_subs: Positive | None = None
    vert_chroma_subs: Positive | None = None
    unc_parameters: UncompressedVideo | None = None
    avc_parameters: AVCParameters | None = None
    frame_rate: Ratio | None = None
    vfr: bool | None = None
    init_segments: bool | None = None

    def __post_init__(self) -> None:
        if self.vfr and self.frame_rate is not None:
            raise ValueError("frame_rate must be absent where vfr is true")
        if not self.vfr and self.frame_rate is None:
            raise ValueError("frame_rate is required unless vfr is true")


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioCodecParameters:
    """Facts about coded audio that its codec string needs."""

    __pydantic_config__: ClassVar = _OPEN

    coded_frame_size: Integer | None = None
    mp4_oti: Integer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UncompressedAudio:
    """How uncompressed samples are laid out."""

    __pydantic_config__: ClassVar = _OPEN

    unc_type: Literal["interleaved", "planar", "pairs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioParameters:
    """`essence_parameters` of an audio Flow; unknown keys are refused."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    sample_rate: Positive
    channels: Positive
    bit_depth: Positive | None = None
    codec_parameters: AudioCodecParameters | None = None
    unc_parameters: UncompressedAudio | None = None
    init_segments: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageParameters:
    """`essence_parameters` of an image Flow; unknown keys are refused."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    frame_width: Positive
    frame_height: Positive
    aspect_ratio: AspectRatio | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataParameters:
    """`essence_parameters` of a data Flow; unknown keys are refused."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    data_type: str | None = None
    init_segments: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiParameters:
    """`essence_parameters` of a multi-essence Flow; unknown keys are refused."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    init_segments: bool | None = None


EssenceParameters = (
    VideoParameters | AudioParameters | ImageParameters | DataParameters | MultiParameters
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioTrackMapping:
    """Which channels of the container's track hold the Flow's."""

    channel_numbers: Annotated[tuple[Natural, ...], MinLen(1)] | None = None
    channel_range: str | None = None

    def __post_init__(self) -> None:
        if self.channel_range is not None and not _CHANNEL_RANGE.fullmatch(self.channel_range):
            raise ValueError("channel_range must be first_last, such as 0_1")


@dataclass(frozen=True, slots=True, kw_only=True)
class MP2TSMapping:
    """Where the Flow lies in an MPEG-2 Transport Stream."""

    pid: Integer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MXFMapping:
    """Where the Flow lies in an MXF file."""

    package_uid: str | None = None
    track_id: Integer | None = None

    def __post_init__(self) -> None:
        if self.package_uid is not None and not _PACKAGE_UID.fullmatch(self.package_uid):
            raise ValueError("package_uid must be a urn:smpte:umid: or a urn:uuid:")


@dataclass(frozen=True, slots=True, kw_only=True)
class ISOBMFFMapping:
    """Where the Flow lies in an ISO base media file."""

    track_id: Integer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerMapping:
    """Where the essence lies within a container (`container-mapping`)."""

    track_index: Natural | None = None
    format_track_index: Natural | None = None
    audio_track: AudioTrackMapping | None = None
    mp2ts_container: MP2TSMapping | None = None
    mxf_container: MXFMapping | None = None
    isobmff_container: ISOBMFFMapping | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionItem:
    """A Flow within the `flow_collection` of another; the order of the items counts."""

    id: str
    role: str | None = None
    container_mapping: ContainerMapping | None = None


# Without slots, since FlowMetadata inherits from two classes, of which one may have them.
@dataclass(frozen=True, kw_only=True)
class FlowTechnical:
    """What tells how a Flow is coded and wrapped: what a Profile fixes (`flow-technical`)."""

    format: ContentFormat
    codec: str | None = None
    container: str | None = None
    container_mapping: ContainerMapping | None = None
    segment_duration: Ratio | None = None
    avg_bit_rate: Natural | None = None
    """In 1000 bit/s, as `max_bit_rate`."""
    essence_parameters: EssenceParameters | None = None

    @property
    def uses_init_segments(self) -> bool:
        """Whether every Media Object of this Flow needs an initialisation Object."""
        return getattr(self.essence_parameters, "init_segments", None) is True


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowCommon:
    """What clients say of a Flow besides (`flow-common`); unset properties are None or empty."""

    id: str
    source_id: str
    max_bit_rate: Natural | None = None
    label: str | None = None
    description: str | None = None
    tags: Tags = field(default_factory=dict)
    generation: Natural | None = None
    status: FlowStatus | None = None
    read_only: bool | None = None
    flow_collection: tuple[CollectionItem, ...] = ()
    profile_id: str | None = None
    """Where a Flow is replaced, "" takes its link to a Profile away, and None keeps it."""
    metadata_version: str | None = None
    created_by: str | None = None
    updated_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowMetadata(FlowTechnical, FlowCommon):
    """All that clients say of a Flow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow(FlowMetadata):
    """A Flow without its Segments: its metadata, and what the server manages."""

    created: datetime
    metadata_updated: datetime
    segments_updated: datetime | None = None
    collected_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedFlow:
    """What a writer needs of the Flow whose lock it holds; `key` is the catalogue's own.

    `ordinal` counts its changes before this one, `deletions` the requests that are still to delete
    Segments of it.
    """

    key: int
    id: str
    source_id: str
    container: str | None
    read_only: bool
    uses_init_segments: bool
    ordinal: int = 0
    deletions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowQuery:
    """Filters of a listing of Flows; None leaves all through."""

    source_id: str | None = None
    timerange: TimeRange | None = None
    """Flows with a Segment that overlaps it; EMPTY wants Flows without any Segment."""
    format: ContentFormat | None = None
    codec: str | None = None
    profile_id: str | None = None
    label: str | None = None
    status: FlowStatus | None = None
    tags: TagFilter = field(default_factory=TagFilter)
    frame_width: int | None = None
    frame_height: int | None = None
    init_segments: bool | None = None
    collected_by: frozenset[str] | None = None
    """Ids of collectors, any of which will do; the empty set wants those that nothing collects."""
