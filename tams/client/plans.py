"""What a media file is to become: ids, start, Segment duration and the bodies of its Flows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args
from uuid import UUID, uuid5

from pydantic import TypeAdapter

from tams.client.resources import Flow, Tags
from tams.domain.timerange import SECOND, format_timestamp, parse_timestamp
from tams.errors import Invalid, MediaUnreadable

if TYPE_CHECKING:
    from tams.media.codecs import Carrier
    from tams.media.probe import Track

NAMESPACE = UUID("6f6e2f0c-52f5-5d0e-9d3c-0f1f3a0b7c11")
"""Of the ids of ingested Flows and Sources; it never changes."""

START_TAG = "ingest_start"
"""The Flow tag that remembers the start, so that an interrupted ingest goes on from it."""

Container: TypeAlias = Literal["auto", "fmp4"]
"""What Objects are written in: what suits the codec, or fragmented MP4 with init Objects."""

MULTI = "urn:x-nmos:format:multi"


def fingerprint(file: Path) -> str:
    """The SHA-256 of a file's bytes; raises `MediaUnreadable` if there are none."""
    try:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            if stream.tell() == 0:
                raise MediaUnreadable(f"{file}: it is empty")
            return digest
    except OSError as error:
        raise MediaUnreadable(f"{file}: {error.strerror}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names that tell Flows of the same content apart; in a `series`, files share a Source."""

    source: str
    flow: str
    series: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How a file is to be stored; None is what an earlier ingest of it chose, or the usual.

    `start` is in nanoseconds, `segment_duration` in seconds. `start_if_new` holds only for a file
    that is not there yet.
    """

    start: int | None = None
    start_if_new: int = 0
    segment_duration: Fraction | None = None
    label: str | None = None
    source_label: str | None = None
    tags: Tags = field(default_factory=dict)
    container: Container = "auto"
    names: Names | None = None
    """None where the content alone decides which Flows they are."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the file begins on the timeline (ns), and about how long its Segments are (ns)."""

    start: int
    segment_duration: Fraction

    @property
    def segment_ns(self) -> int:
        """The Segment duration in nanoseconds."""
        return int(self.segment_duration * SECOND)

    @classmethod
    def of(cls, wishes: Wishes, earlier: Flow | None, sibling: Flow | None = None) -> Plan:
        """Follow the wishes and the Flow of an earlier ingest; `Invalid` if they contradict.

        A sibling holds the file in another container: of one Source with it, it has one timeline.
        """
        start = _start(wishes, earlier or sibling)
        if earlier is None:
            return cls(start, wishes.segment_duration or _usual_segment_duration())
        duration = _segment_duration_of(earlier, wishes)
        if wishes.segment_duration not in {None, duration}:
            said = _kept(earlier, f"has Segments of {duration} s")
            raise Invalid("segment_duration", f"{wishes.segment_duration} s", said)
        return cls(start, duration)


class Naming:
    """Ids and Flows of one file; `content` is the SHA-256 of its bytes.

    Each container has Flows of its own, of the same Sources.
    """

    def __init__(self, content: str, file_name: str, wishes: Wishes) -> None:
        names = wishes.names
        self._flows = self._sources = content
        self._series = names is not None and names.series
        if names is not None:
            self._sources = f"{'series' if names.series else content} {names.source}"
            self._flows = f"{content} {names.source} {names.flow}"
        self._label = wishes.label or file_name
        self._tags = wishes.tags
        self._container = wishes.container

    @property
    def multi_id(self) -> str:
        """The id of the Flow that collects those of the tracks."""
        return self._flow_id(self._container, "multi")

    @property
    def source_id(self) -> str:
        """The id of the Source of the whole file."""
        return _id(self._sources, "source", "multi")

    def flow_id(self, track: Track) -> str:
        """Return the id that this track's Flow has on every server."""
        return self._flow_id(self._container, track.index)

    def sibling_ids(self, tracks: Sequence[Track]) -> list[str]:
        """Return the ids that the Flows of this file have in the other containers."""
        parts = [*(track.index for track in tracks), "multi"]
        others = [other for other in get_args(Container) if other != self._container]
        return [self._flow_id(other, part) for other in others for part in parts]

    def track_flow(self, track: Track, plan: Plan) -> Flow:
        """Return the body of the mono-essence Flow of a track."""
        duration = plan.segment_duration
        return {
            "id": self.flow_id(track),
            "source_id": self._track_source_id(track),
            "format": f"urn:x-nmos:format:{track.kind}",
            "label": f"{self._label} {track.kind} {track.index}",
            "codec": track.codec,
            "container": _carrier(track).mime_type,
            "essence_parameters": _essence_parameters(track),
            "segment_duration": {
                "numerator": duration.numerator,
                "denominator": duration.denominator,
            },
            "tags": {**self._tags, START_TAG: format_timestamp(plan.start)},
        }

    def multi_flow(self, tracks: Sequence[Track], plan: Plan) -> Flow:
        """Return the body of the Flow that collects those of the tracks."""
        return {
            "id": self.multi_id,
            "source_id": self.source_id,
            "format": MULTI,
            "label": self._label,
            "tags": {**self._tags, START_TAG: format_timestamp(plan.start)},
            "flow_collection": [
                {"id": self.flow_id(track), "role": track.kind} for track in tracks
            ],
        }

    def _track_source_id(self, track: Track) -> str:
        # The files of a series need not have their tracks in one order.
        part = f"{track.kind} {track.index}" if self._series else track.index
        return _id(self._sources, "source", part)

    def _flow_id(self, container: Container, part: object) -> str:
        return _id(self._flows, "flow" if container == "auto" else f"{container} flow", part)


def _id(owner: str, noun: str, part: object) -> str:
    return str(uuid5(NAMESPACE, f"{owner} {noun} {part}"))


def _carrier(track: Track) -> Carrier:
    if track.carrier is None:
        raise MediaUnreadable(f"track {track.index}: no container takes {track.codec} as it is")
    return track.carrier


def _essence_parameters(track: Track) -> dict[str, Any]:
    written: TypeAdapter[object] = TypeAdapter(type(track.parameters))
    given: dict[str, Any] = written.dump_python(track.parameters, mode="json", exclude_none=True)
    return {**given, "init_segments": True} if _carrier(track).fragmented else given


def _usual_segment_duration() -> Fraction:
    from tams.media.cut import DEFAULT_DURATION

    return Fraction(DEFAULT_DURATION, SECOND)


def _start(wishes: Wishes, known: Flow | None) -> int:
    if known is None:
        return wishes.start_if_new if wishes.start is None else wishes.start
    start = _start_of(known, wishes)
    if wishes.start not in {None, start}:
        said = _kept(known, f"starts at {format_timestamp(start)}")
        raise Invalid("start", format_timestamp(wishes.start or 0), said)
    return start


def _start_of(flow: Flow, wishes: Wishes) -> int:
    tag = flow.get("tags", {}).get(START_TAG)
    if isinstance(tag, str):
        return parse_timestamp(tag)
    if wishes.start is None:
        rule = f"Flow {flow['id']} has lost its tag {START_TAG}; say where this file starts"
        raise Invalid("start", None, rule)
    return wishes.start


def _segment_duration_of(flow: Flow, wishes: Wishes) -> Fraction:
    recorded = flow.get("segment_duration")
    if recorded is None:
        return wishes.segment_duration or _usual_segment_duration()
    return Fraction(recorded["numerator"], recorded.get("denominator", 1))


def _kept(flow: Flow, fact: str) -> str:
    return f"Flow {flow['id']} holds this file already and {fact}; wish the same or delete it first"
