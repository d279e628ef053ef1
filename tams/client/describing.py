"""What is said of a media file that is uploaded as it is: by its caller, and by itself.

What the caller says wins. A file that cannot be asked, since PyAV is not installed, is taken for
video of 1920x1080 at 30/1 with the codec `video/mp4` where nothing else is said, and must have its
duration told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from tams.client.transfers import in_thread
from tams.domain.timerange import SECOND, TimeRange, format_timestamp
from tams.errors import Invalid, MediaUnreadable

if TYPE_CHECKING:
    from tams.media.probe import Media, Track

VIDEO, AUDIO = "urn:x-nmos:format:video", "urn:x-nmos:format:audio"

CONTAINERS: Mapping[str, str] = {
    ".3gp": "video/3gpp",
    ".aac": "audio/aac",
    ".avi": "video/x-msvideo",
    ".flac": "audio/flac",
    ".flv": "video/x-flv",
    ".m2ts": "video/mp2t",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".mpeg": "video/mpeg",
    ".mpg": "video/mpeg",
    ".mts": "video/mp2t",
    ".mxf": "application/mxf",
    ".ogg": "audio/ogg",
    ".ts": "video/mp2t",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".wmv": "video/x-ms-wmv",
}
"""MIME types by the end of a file's name."""

_SIZE = re.compile(r"([1-9][0-9]{0,5})[xX]([1-9][0-9]{0,5})")
_RATE = re.compile(r"([1-9][0-9]{0,8})(?:[/:]([1-9][0-9]{0,8}))?")
_MIME_TYPE = re.compile(r"[^\s/]+/[^\s/]+")
_DURATION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the caller says of a file; None is left to the file."""

    size: tuple[int, int] | None = None
    frame_rate: Fraction | None = None
    codec: str | None = None
    container: str | None = None
    duration: int | None = None
    """Nanoseconds."""

    @classmethod
    def parse(
        cls,
        *,
        resolution: str | None = None,
        frame_rate: str | None = None,
        codec: str | None = None,
        container: str | None = None,
        duration: str | None = None,
    ) -> Said:
        """Read `1920x1080`, `30000/1001`, MIME types and seconds; raises `Invalid`."""
        size = _matched(_SIZE, "resolution", resolution, "WIDTHxHEIGHT, such as 1920x1080")
        rate = _matched(_RATE, "frame_rate", frame_rate, "N/D frames a second, such as 25/1")
        seconds = _matched(_DURATION, "duration", duration, "a number of seconds, such as 12.5")
        _matched(_MIME_TYPE, "codec", codec, "a MIME type, such as video/h264")
        _matched(_MIME_TYPE, "container", container, "a MIME type, such as video/mp4")
        ns = None if seconds is None else int(Decimal(seconds[0]) * SECOND)
        if ns == 0:
            raise Invalid("duration", duration, "it must be more than 0")
        return cls(
            size=None if size is None else (int(size[1]), int(size[2])),
            frame_rate=None if rate is None else Fraction(int(rate[1]), int(rate[2] or 1)),
            codec=codec,
            container=container,
            duration=ns,
        )

    @property
    def is_empty(self) -> bool:
        """Whether all is left to the file."""
        return self == Said()


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a Flow and its one Segment are to say of a file."""

    format: str
    flow: dict[str, Any]
    """The members of the Flow that follow from the file."""
    segment: dict[str, Any]
    """Those of the Segment, its timerange among them."""
    notes: tuple[str, ...]
    """What the caller should know of how it was found."""


async def describe(file: Path, said: Said) -> Description:
    """Ask the file, as far as it can be; raises `MediaUnreadable`, and `Invalid` for what is said.

    A file that FFmpeg cannot read is taken as it is only if its duration is said.
    """
    if find_spec("av") is None:
        return _assumed(file, said, "PyAV is not installed (pip install 'tams-server[media]')")
    from tams.media.probe import probe

    try:
        media = await in_thread(partial(probe, file))
    except MediaUnreadable as error:
        if said.duration is None:
            raise
        return _assumed(file, said, str(error).removeprefix(f"{file}: "))
    track = next(filter(_is_shown, sorted(media.tracks, key=lambda one: one.kind != "video")))
    return await in_thread(partial(_found, media, track, said))


def _is_shown(track: Track) -> bool:
    return track.parameters is not None


def _found(media: Media, track: Track, said: Said) -> Description:
    if track.kind == "audio" and (said.size or said.frame_rate):
        raise Invalid("resolution", str(media.path), "it must be left out for a file of sound")
    notes = []
    if others := [one for one in media.tracks if one is not track and _is_shown(one)]:
        kinds = ", ".join(f"{one.kind} ({one.codec})" for one in others)
        notes.append(f"the Flow describes the {track.kind} alone; its Object also has {kinds}")
    parameters = _parameters(track, said)
    flow = {
        "codec": said.codec or track.codec,
        "container": said.container or _container(media.path),
        "essence_parameters": parameters,
        **({"container_mapping": _mapping(media, track)} if len(media.tracks) > 1 else {}),
    }
    return Description(
        format=VIDEO if track.kind == "video" else AUDIO,
        flow=flow,
        segment=_segment(media, track, said),
        notes=tuple(notes),
    )


def _mapping(media: Media, track: Track) -> dict[str, int]:
    alike = [one for one in media.tracks if one.kind == track.kind]
    return {"track_index": media.tracks.index(track), "format_track_index": alike.index(track)}


def _parameters(track: Track, said: Said) -> dict[str, Any]:
    written: TypeAdapter[object] = TypeAdapter(type(track.parameters))
    given: dict[str, Any] = written.dump_python(track.parameters, mode="json", exclude_none=True)
    # What follows from a property that the caller knows better goes with it.
    if said.codec not in (None, track.codec):
        given.pop("avc_parameters", None)
    if said.size is not None:
        given.pop("aspect_ratio", None)
        given |= _sized(said.size)
    if said.frame_rate is not None:
        given.pop("vfr", None)
        given |= _rated(said.frame_rate)
    return given


def _segment(media: Media, track: Track, said: Said) -> dict[str, Any]:
    """The track begins at 0:0; `ts_offset` is what takes it there."""
    from tams.media.extent import extent

    found = extent(media, track)
    begins, ends = found.timerange.start or 0, found.timerange.end or 0
    duration = said.duration or ends - begins
    segment: dict[str, Any] = {
        "timerange": str(TimeRange.of(0, duration)),
        "object_timerange": str(TimeRange.of(begins, begins + duration)),
        "last_duration": format_timestamp(found.last_duration),
    }
    if begins:
        segment["ts_offset"] = format_timestamp(-begins)
    counted = {} if found.key_frame_count is None else {"key_frame_count": found.key_frame_count}
    return segment | counted


def _assumed(file: Path, said: Said, why: str) -> Description:
    if said.duration is None:
        raise MediaUnreadable(f"{file}: {why}, so that its duration must be said")
    size, rate = said.size or (1920, 1080), said.frame_rate or Fraction(30)
    codec = said.codec or "video/mp4"
    taken = f"{size[0]}x{size[1]}, {rate.numerator}/{rate.denominator}, {codec}"
    return Description(
        format=VIDEO,
        flow={
            "codec": codec,
            "container": said.container or _container(file),
            "essence_parameters": _sized(size) | _rated(rate),
        },
        segment={"timerange": str(TimeRange.of(0, said.duration))},
        notes=(f"{why}: it is taken to be {taken}",),
    )


def _sized(size: tuple[int, int]) -> dict[str, Any]:
    return {"frame_width": size[0], "frame_height": size[1]}


def _rated(rate: Fraction) -> dict[str, Any]:
    return {"frame_rate": {"numerator": rate.numerator, "denominator": rate.denominator}}


def _container(file: Path) -> str:
    known = CONTAINERS.get(file.suffix.lower())
    if known is None:
        raise MediaUnreadable(
            f"{file}: its name has no known end such as .mp4 or .mov, so that its container must "
            "be said"
        )
    return known


def _matched(
    pattern: re.Pattern[str], field: str, text: str | None, rule: str
) -> re.Match[str] | None:
    match = None if text is None else pattern.fullmatch(text)
    if text is not None and match is None:
        raise Invalid(field, text, f"it must be {rule}")
    return match
