"""Which Segments of a request may be registered: the rules of statements 161 to 183 (TAMS 8.2)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tams.domain.flows import LockedFlow
from tams.domain.segments import NewSegment, Refusal, Segment
from tams.domain.timerange import LIMIT, TimeRange, format_timestamp

UNSTORED = -1
"""Stands for the key of an Object that an earlier Segment of the same batch brought."""


class KnownObject(NamedTuple):
    """What the catalogue knows of an Object, locked; `key` and `allocated_for` are its own keys.

    A `condemned` Object is unknown to the API, but its id is taken until its bytes are gone.
    """

    key: int
    state: Literal["allocated", "registered", "condemned"]
    allocated_for: int | None
    timerange: TimeRange | None
    key_frame_count: int | None


class Neighbour(NamedTuple):
    """The registered Segment with the greatest start below a new one's end.

    Its fields are the first of a Segment's.
    """

    start: int
    end: int
    end_inclusive: bool
    object_id: str
    ts_offset: int
    last_duration: int | None
    sample_offset: int | None
    sample_count: int | None


@dataclass(frozen=True, slots=True)
class Survey:
    """What stood in the catalogue when a request came, under the locks of the Flow and Objects."""

    objects: Mapping[str, KnownObject]
    """By id; ids that nothing knows are missing."""
    neighbours: Sequence[Neighbour]
    """Each once, by start, whether of one Segment of the request or of many."""


class Accepted(NamedTuple):
    """A Segment to insert; `object` is None if its Object is external and new to the store.

    Several Segments of a batch may use such an Object: the first brings it and its `get_urls`, for
    the others its key is UNSTORED.
    """

    segment: Segment
    object: KnownObject | None
    new: NewSegment


@dataclass(slots=True)
class Decision:
    """What becomes of a request: Segments that stood there already are in neither list."""

    accepted: list[Accepted] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def screen(posts: Sequence[NewSegment]) -> tuple[list[NewSegment], list[Refusal]]:
    """Part the Segments whose times the store can hold from those that no Flow could take."""
    passed, refused = [], []
    for post in posts:
        try:
            _check_times(post)
        except ValueError as refusal:
            refused.append(Refusal(post.object_id, post.timerange, str(refusal)))
        else:
            passed.append(post)
    return passed, refused


def decide(
    flow: LockedFlow, posts: Sequence[NewSegment], survey: Survey, backend_labels: frozenset[str]
) -> Decision:
    """Apply the rules to each screened Segment; later ones meet the earlier ones of the batch."""
    decision = Decision()
    timeline = _Timeline(survey.neighbours)
    batch: dict[str, Accepted] = {}
    for post in posts:
        earlier = batch.get(post.object_id)
        known = survey.objects.get(post.object_id) if earlier is None else _registered(earlier)
        try:
            _check_init_object(flow, post)
            neighbour = timeline.before(post.timerange)
            if neighbour is not None and neighbour.end > _start(post):
                if known is None or not _is_same(post, neighbour):
                    raise _overlap(post, neighbour)
                _check_reuse(post, known)
                continue
            accepted = _accept(flow, post, known, backend_labels)
        except ValueError as refusal:
            decision.refused.append(Refusal(post.object_id, post.timerange, str(refusal)))
            continue
        decision.accepted.append(accepted)
        timeline.insert(accepted.segment)
        batch[post.object_id] = accepted
    return decision


def _check_times(post: NewSegment) -> None:
    used = _bounded("timerange", post.timerange)
    _within_limits("ts_offset", post.ts_offset)
    if post.ts_offset:
        _bounded("timerange less ts_offset", used.shifted(-post.ts_offset))
    if post.object_timerange is not None:
        _bounded("object_timerange", post.object_timerange)
    if post.last_duration is not None:
        _within_limits("last_duration", post.last_duration)
        if post.last_duration < 0:
            shown = format_timestamp(post.last_duration)
            raise ValueError(f"last_duration: it must not be negative, not {shown}")


def _bounded(name: str, timerange: TimeRange) -> TimeRange:
    if timerange.start is None or timerange.end is None or timerange.is_empty:
        raise ValueError(f"{name}: it must have a start, an end and a duration, not {timerange}")
    _within_limits(name, timerange.start)
    _within_limits(name, timerange.end - 1)
    return timerange


def _within_limits(name: str, ns: int) -> None:
    if not -LIMIT <= ns <= LIMIT:
        shown = format_timestamp(ns)
        raise ValueError(f"{name}: times must lie within ±9223372036 seconds, not {shown}")


def _check_init_object(flow: LockedFlow, post: NewSegment) -> None:
    if flow.uses_init_segments or post.init_object_id is not None:
        raise ValueError("init_object_id: initialisation Objects are not supported yet")


def _accept(
    flow: LockedFlow, post: NewSegment, known: KnownObject | None, backend_labels: frozenset[str]
) -> Accepted:
    used = post.timerange.shifted(-post.ts_offset)
    if known is None:
        _check_external(post, backend_labels)
    elif known.state == "condemned":
        raise _unknown(post)
    elif post.get_urls:
        raise ValueError(
            f"get_urls: Object {post.object_id} already exists; its instances are managed at "
            f"/objects/{{objectId}}/instances"
        )
    elif known.state == "allocated" and known.allocated_for != flow.key:
        raise ValueError(f"object_id: {post.object_id} was allocated for another Flow")
    if known is not None and known.state == "registered":
        _check_reuse(post, known)
        covers = known.timerange
    else:
        covers = post.object_timerange
    covers = covers or used
    if not covers.contains(used):
        raise ValueError(
            f"timerange: less ts_offset it is {used}, which is not within the Object's {covers}"
        )
    return Accepted(_segment(post, covers, known), known, post)


def _check_external(post: NewSegment, backend_labels: frozenset[str]) -> None:
    if not post.get_urls:
        raise _unknown(post)
    labels = [instance.label for instance in post.get_urls]
    if len(set(labels)) < len(labels):
        raise ValueError("get_urls: each label may be given once")
    for label in labels:
        if label in backend_labels:
            raise ValueError(f"get_urls: label {label!r} belongs to a Storage Backend")


def _check_reuse(post: NewSegment, known: KnownObject) -> None:
    for name, given, kept in (
        ("object_timerange", post.object_timerange, known.timerange),
        ("key_frame_count", post.key_frame_count, known.key_frame_count),
    ):
        if given is not None and given != kept:
            raise ValueError(
                f"{name}: Object {post.object_id} is registered with {kept}, not {given}"
            )


def _segment(post: NewSegment, covers: TimeRange, known: KnownObject | None) -> Segment:
    timerange = post.timerange
    count = post.key_frame_count
    if known is not None and known.state == "registered":
        count = known.key_frame_count
    return Segment(
        _start(post),
        _end(timerange),
        timerange.end_inclusive,
        post.object_id,
        post.ts_offset,
        post.last_duration,
        post.sample_offset,
        post.sample_count,
        covers.start or 0,
        _end(covers),
        covers.end_inclusive,
        count,
        None,
        None,
        post.get_urls or None,
    )


def _registered(accepted: Accepted) -> KnownObject:
    segment, known, _ = accepted
    key = UNSTORED if known is None else known.key
    allocated_for = None if known is None else known.allocated_for
    return KnownObject(
        key, "registered", allocated_for, segment.object_timerange, segment.key_frame_count
    )


def _is_same(post: NewSegment, neighbour: Neighbour | Segment) -> bool:
    return (
        post.timerange.start == neighbour.start
        and (
            post.timerange.end,
            post.timerange.end_inclusive,
            post.object_id,
            post.ts_offset,
            post.last_duration,
            post.sample_offset,
            post.sample_count,
        )
        == neighbour[1:8]
    )


def _start(post: NewSegment) -> int:
    if post.timerange.start is None:
        raise ValueError("timerange: it must have a start")
    return post.timerange.start


def _end(timerange: TimeRange) -> int:
    if timerange.end is None:
        raise ValueError("object_timerange: it must have an end")
    return timerange.end


def _overlap(post: NewSegment, neighbour: Neighbour | Segment) -> ValueError:
    there = TimeRange(neighbour.start, neighbour.end, bool(neighbour.end_inclusive))
    return ValueError(f"timerange: {post.timerange} overlaps the registered Segment {there}")


def _unknown(post: NewSegment) -> ValueError:
    return ValueError(f"object_id: there is no Object {post.object_id}; allocate it first")


class _Timeline:
    """The Segments that stood there near by, and those accepted so far, by start."""

    def __init__(self, stored: Sequence[Neighbour]) -> None:
        self._starts = [neighbour.start for neighbour in stored]
        self._segments: list[Neighbour | Segment] = list(stored)

    def before(self, timerange: TimeRange) -> Neighbour | Segment | None:
        """The Segment with the greatest start below the range's end."""
        at = bisect_left(self._starts, _end(timerange)) - 1
        return None if at < 0 else self._segments[at]

    def insert(self, segment: Segment) -> None:
        at = bisect_left(self._starts, segment.start)
        self._starts.insert(at, segment.start)
        self._segments.insert(at, segment)
