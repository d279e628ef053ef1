"""Which Segments of a request may be registered: the rules of statements 161 to 183 (TAMS 8.2)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tams.domain.flows import LockedFlow
from tams.domain.objects import InitObject
from tams.domain.rollups import Measured
from tams.domain.segments import NOTHING_MORE, NewSegment, Refusal, Segment
from tams.domain.timerange import LIMIT, TimeRange, format_timestamp
from tams.domain.tuples import made

UNSTORED = -1
"""Stands for the key of an Object that an earlier Segment of the same batch brought."""


class KnownObject(NamedTuple):
    """What the catalogue knows of an Object, locked; `key` and `allocated_for` are its own keys.

    A `registered` Object holds media, an `init` Object what media of others need. A `condemned`
    Object is unknown to the API, but its id is taken until its bytes are gone. `new_here` is what
    it adds to the numbers of a Flow that has no Segment of it yet; None where the Flow has one.
    """

    key: int
    state: Literal["allocated", "registered", "init", "condemned"]
    allocated_for: int | None
    timerange: TimeRange | None
    key_frame_count: int | None
    init_object_id: str | None = None
    new_here: Measured | None = None


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
    the others its key is UNSTORED. `init` is the initialisation Object that an Object new to the
    API names; the first that names an `allocated` one makes it an `init` Object.
    """

    segment: Segment
    object: KnownObject | None
    new: NewSegment
    init: KnownObject | None = None


@dataclass(slots=True)
class Decision:
    """What becomes of a request: Segments that stood there already are in neither list.

    The first `plain` of those that are accepted have each an Object that is new to the API, and
    need no other.
    """

    accepted: list[Accepted] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    plain: int = 0


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
    objects: dict[str, KnownObject | Accepted] = dict(survey.objects)
    decision = Decision(_accept_plain(flow, posts, survey.neighbours, objects))
    decision.plain = len(decision.accepted)
    timeline = _Timeline(survey.neighbours, decision.accepted)
    for post in posts[decision.plain :]:
        known = _as_it_is(objects.get(post.object_id))
        try:
            place = timeline.place(post, known)
            if place is None:
                continue
            init_id = post.init_object_id
            init = None if init_id is None else _as_it_is(objects.get(init_id))
            accepted = _accept(flow, post, known, init, backend_labels)
        except ValueError as refusal:
            decision.refused.append(Refusal(post.object_id, post.timerange, str(refusal)))
            continue
        decision.accepted.append(accepted)
        timeline.insert(place, accepted.segment)
        objects[post.object_id] = accepted
        if accepted.init is not None and init_id is not None:
            objects[init_id] = accepted.init._replace(state="init")
    return decision


def _accept_plain(
    flow: LockedFlow,
    posts: Sequence[NewSegment],
    neighbours: Sequence[Neighbour],
    objects: dict[str, KnownObject | Accepted],
) -> list[Accepted]:
    """Accept the first of a batch, up to one that is not plain, in half the time of the rules.

    A plain one follows all Segments before it, and says only which new Object that is.
    """
    found: list[Accepted] = []
    if flow.uses_init_segments:
        return found
    last = neighbours[-1].end if neighbours else -LIMIT
    for post in posts:
        object_id = post.object_id
        known = objects.get(object_id)
        start, end, inclusive = post.timerange
        if (
            not isinstance(known, KnownObject)
            or known.state != "allocated"
            or known.allocated_for != flow.key
            or post[2:] != NOTHING_MORE
            or start is None
            or start < last
        ):
            break
        segment = made(Segment, (
            start, end, inclusive, object_id, 0, None, None, None, start, end, inclusive, None,
            None, None, None, None,
        ))  # fmt: skip
        accepted = objects[object_id] = made(Accepted, (segment, known, post, None))
        found.append(accepted)
        last = segment.end
    return found


def _check_times(post: NewSegment) -> None:
    _check_bounds("timerange", post.timerange)
    if post.ts_offset:
        _within_limits("ts_offset", post.ts_offset)
        _check_bounds("timerange less ts_offset", post.timerange.shifted(-post.ts_offset))
    if post.object_timerange is not None:
        _check_bounds("object_timerange", post.object_timerange)
    if post.last_duration is not None:
        _within_limits("last_duration", post.last_duration)
        if post.last_duration < 0:
            shown = format_timestamp(post.last_duration)
            raise ValueError(f"last_duration: it must not be negative, not {shown}")


def _check_bounds(name: str, timerange: TimeRange) -> None:
    start, end, _ = timerange
    if start is None or end is None or start >= end:
        raise ValueError(f"{name}: it must have a start, an end and a duration, not {timerange}")
    if not -LIMIT <= start < end <= LIMIT + 1:
        _within_limits(name, start)
        _within_limits(name, end - 1)


def _within_limits(name: str, ns: int) -> None:
    if not -LIMIT <= ns <= LIMIT:
        shown = format_timestamp(ns)
        raise ValueError(f"{name}: times must lie within ±9223372036 seconds, not {shown}")


def _accept(
    flow: LockedFlow,
    post: NewSegment,
    known: KnownObject | None,
    init: KnownObject | None,
    backend_labels: frozenset[str],
) -> Accepted:
    (
        object_id, timerange, ts_offset, covers, last_duration, sample_offset, sample_count, count,
        get_urls, init_id,
    ) = post  # fmt: skip
    used = timerange.shifted(-ts_offset) if ts_offset else timerange
    if covers is None:
        covers = used
    if known is None or known.state == "allocated":
        _check_new(flow, post, known, backend_labels)
        if init_id is not None or flow.uses_init_segments:
            _check_init(flow, post, init)
    else:
        _check_known(flow, post, known)
        covers, count = known.timerange or covers, known.key_frame_count
        init, init_id = None, known.init_object_id
    if covers is not used and not covers.contains(used):
        raise ValueError(
            f"timerange: less ts_offset it is {used}, which is not within the Object's {covers}"
        )
    start, end, inclusive = timerange
    object_start, object_end, object_inclusive = covers
    segment = made(Segment, (
        start, end, inclusive, object_id, ts_offset, last_duration, sample_offset, sample_count,
        object_start, object_end, object_inclusive, count, None, None, get_urls or None,
        None if init_id is None else InitObject(init_id),
    ))  # fmt: skip
    return made(Accepted, (segment, known, post, init))


def _check_new(
    flow: LockedFlow, post: NewSegment, known: KnownObject | None, backend_labels: frozenset[str]
) -> None:
    if known is None:
        _check_external(post, backend_labels)
    elif post.get_urls:
        raise _exists(post)
    elif known.allocated_for != flow.key:
        raise _for_another_flow("object_id", post.object_id)


def _check_known(flow: LockedFlow, post: NewSegment, known: KnownObject) -> None:
    if known.state == "condemned":
        raise _unknown("object_id", post.object_id)
    if known.state == "init":
        raise ValueError(f"object_id: {post.object_id} is an initialisation Object, not media")
    if post.get_urls:
        raise _exists(post)
    _check_reuse(post, known)
    _check_inherited(flow, known, post)


def _check_external(post: NewSegment, backend_labels: frozenset[str]) -> None:
    if not post.get_urls:
        raise _unknown("object_id", post.object_id)
    labels = [instance.label for instance in post.get_urls]
    if len(set(labels)) < len(labels):
        raise ValueError("get_urls: each label may be given once")
    for label in labels:
        if label in backend_labels:
            raise ValueError(f"get_urls: label {label!r} belongs to a Storage Backend")


def _check_init(flow: LockedFlow, post: NewSegment, init: KnownObject | None) -> None:
    """Whether a new Object has an init Object if and only if the Flow says so, and may have it."""
    init_id = post.init_object_id
    if flow.uses_init_segments != (init_id is not None):
        raise ValueError(
            f"init_object_id: it must be given where init_segments of the Flow is true, "
            f"and only there; Flow {flow.id} and Object {post.object_id} disagree"
        )
    if init_id is None:
        return
    if init is None or init.state == "condemned":
        raise _unknown("init_object_id", init_id)
    if init.state == "registered" or init_id == post.object_id:
        raise ValueError(f"init_object_id: {init_id} holds media, so it initialises nothing")
    if init.state == "allocated" and init.allocated_for != flow.key:
        raise _for_another_flow("init_object_id", init_id)


def _check_inherited(flow: LockedFlow, known: KnownObject, post: NewSegment) -> None:
    if flow.uses_init_segments != (known.init_object_id is not None):
        raise ValueError(
            f"object_id: it must have an initialisation Object where init_segments of the Flow is "
            f"true, and only there; Flow {flow.id} and Object {post.object_id} disagree"
        )


def _check_reuse(post: NewSegment, known: KnownObject) -> None:
    for name, given, kept in (
        ("object_timerange", post.object_timerange, known.timerange),
        ("key_frame_count", post.key_frame_count, known.key_frame_count),
        ("init_object_id", post.init_object_id, known.init_object_id),
    ):
        if given is not None and given != kept:
            raise ValueError(
                f"{name}: Object {post.object_id} is registered with {kept}, not {given}"
            )


def _as_it_is(known: KnownObject | Accepted | None) -> KnownObject | None:
    """What an accepted Segment has made of its Object is only told if a later one asks: rarely."""
    if not isinstance(known, Accepted):
        return known
    segment, known = known.segment, known.object
    key = UNSTORED if known is None else known.key
    allocated_for = None if known is None else known.allocated_for
    init_id = None if segment.init_object is None else segment.init_object.object_id
    timerange, count = segment.object_timerange, segment.key_frame_count
    return KnownObject(key, "registered", allocated_for, timerange, count, init_id)


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


def _overlap(post: NewSegment, neighbour: Neighbour | Segment) -> ValueError:
    there = TimeRange(neighbour.start, neighbour.end, bool(neighbour.end_inclusive))
    return ValueError(f"timerange: {post.timerange} overlaps the registered Segment {there}")


def _unknown(field: str, object_id: str) -> ValueError:
    return ValueError(f"{field}: there is no Object {object_id}; allocate it first")


def _exists(post: NewSegment) -> ValueError:
    return ValueError(
        f"get_urls: Object {post.object_id} already exists; its instances are managed at "
        f"/objects/{{objectId}}/instances"
    )


def _for_another_flow(field: str, object_id: str) -> ValueError:
    return ValueError(f"{field}: {object_id} was allocated for another Flow")


class _Timeline:
    """The Segments that stood there near by, and those accepted so far, by start."""

    def __init__(self, near: Sequence[Neighbour], accepted: Sequence[Accepted]) -> None:
        self._segments: list[Neighbour | Segment] = [*near, *(each.segment for each in accepted)]
        self._starts = [segment.start for segment in self._segments]

    def place(self, post: NewSegment, known: KnownObject | None) -> int | None:
        """Where it is to be inserted; None if it is there already.

        Raises `ValueError` if it overlaps another, or does not know its Object as that is.
        """
        start, end, _ = post.timerange
        if start is None or end is None:
            raise ValueError("timerange: it must have a start and an end")
        place = bisect_left(self._starts, end)
        if place and (there := self._segments[place - 1]).end > start:
            if known is None or not _is_same(post, there):
                raise _overlap(post, there)
            _check_reuse(post, known)
            return None
        return place

    def insert(self, place: int, segment: Segment) -> None:
        """Put a Segment in the place that `place` gave."""
        self._starts.insert(place, segment.start)
        self._segments.insert(place, segment)
