"""Segments as JSON: registering them, what failed, and their list (TAMS 8.2 `flow-segment`)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from json.encoder import encode_basestring_ascii as quoted
from typing import Annotated, Any, NamedTuple, Required

from pydantic import AfterValidator, PlainValidator, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json
from typing_extensions import TypedDict

from tams.domain.numbers import Integer
from tams.domain.objects import Instance, check_object_id
from tams.domain.segments import NewSegment, PlainSegment, Refusal
from tams.domain.storage import Signer
from tams.domain.timerange import (
    EMPTY,
    SECOND,
    TimeRange,
    format_range,
    format_timestamp,
    parse_timestamp,
)
from tams.domain.tuples import made
from tams.errors import Invalid
from tams.wire.get_urls import GetUrls
from tams.wire.values import WHOLE, invalid, parse, refuse_constants, timestamp_text


def _timestamp(value: object) -> int:
    try:
        return parse_timestamp(_string(value))
    except ValueError:
        raise ValueError("it must be a timestamp such as 5:0 or -1:500000000") from None


def _timerange(value: object) -> TimeRange:
    try:
        timerange = TimeRange.parse(_string(value))
    except ValueError:
        raise ValueError("it must be a timerange such as [0:0_10:0)") from None
    if str(value).startswith("(") and value != "()":
        raise ValueError("its start must be inclusive")
    return timerange


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("it must be a string")  # noqa: TRY004 (pydantic passes others on)
    return value


def _object_id(text: str) -> str:
    if "\0" in text:
        raise ValueError("it must not hold a NUL character")
    try:
        check_object_id("object_id", text)
    except Invalid as refusal:
        raise ValueError(refusal.rule) from None
    return text


def _elsewhere(value: object) -> Instance:
    url, label = (value.get("url"), value.get("label")) if isinstance(value, dict) else (None, None)
    for text in (url, label):
        if not isinstance(text, str) or "\0" in text:
            raise ValueError("it must have a url and a label, strings without NUL characters")
    return Instance(url=url, label=label)


Timestamp = Annotated[int, PlainValidator(_timestamp)]
Timerange = Annotated[TimeRange, PlainValidator(_timerange)]
ObjectId = Annotated[str, AfterValidator(_object_id)]


Whole = Annotated[Integer, WHOLE]
# Every one of them is an ObjectId, whatever its characters take in UTF-8.
PlainId = Annotated[str, StringConstraints(pattern=r"^[^\x00]{1,256}$")]


class SegmentPost(TypedDict, total=False):
    """A Segment to register; unknown keys are ignored."""

    object_id: Required[ObjectId]
    timerange: Required[Timerange]
    ts_offset: Timestamp
    object_timerange: Timerange
    last_duration: Timestamp
    sample_offset: Whole
    sample_count: Whole
    key_frame_count: Whole
    get_urls: tuple[Annotated[Instance, PlainValidator(_elsewhere)], ...]
    init_object_id: ObjectId


class PlainPost(TypedDict, total=False):
    """What a Segment to register usually is, as far as it is checked without a call of Python."""

    object_id: Required[PlainId]
    timerange: Required[str]
    ts_offset: str
    object_timerange: str
    last_duration: str
    sample_offset: Integer
    sample_count: Integer
    key_frame_count: Integer
    get_urls: list[object]
    init_object_id: PlainId


_SEGMENT: TypeAdapter[SegmentPost] = TypeAdapter(SegmentPost)
_PLAIN: TypeAdapter[Any] = TypeAdapter(list[PlainPost])


class SegmentPosts(NamedTuple):
    """A request to register Segments; `refused` are those of an array that are not valid."""

    posts: list[NewSegment]
    refused: list[Refusal]
    is_array: bool


def parse_segments(body: bytes) -> SegmentPosts:
    """Read one Segment or an array of them; raises `Invalid` if nothing of it can be registered.

    An array is only refused as a whole if it is not JSON, or if an element has no object_id by
    which its failure could be told (decision on statement 159).
    """
    if body.lstrip(b" \t\r\n")[:1] != b"[":
        return SegmentPosts([NewSegment(**parse(_SEGMENT, body))], [], is_array=False)
    refuse_constants(body)
    try:
        # Half the time of a thousand of SegmentPost, which calls Python for each of their fields.
        found = _PLAIN.validate_json(body, strict=True)
        timeranges = _timeranges([post["timerange"] for post in found])
        posts = [
            made(NewSegment, (post["object_id"], timerange, *_NO_MORE))
            if len(post) == _FEWEST
            else _plain(post, timerange)
            for post, timerange in zip(found, timeranges, strict=True)
        ]
    except ValidationError as refusal:
        if refusal.errors()[0]["type"] == "json_invalid":
            raise invalid(refusal) from None
        return _parse_each(from_json(body))
    except ValueError:
        return _parse_each(from_json(body))
    return SegmentPosts(posts, [], is_array=True)


def _timeranges(texts: list[str]) -> list[TimeRange]:
    """Read as `_timerange` does; raises `ValueError` if one of them is none."""
    joined = ",".join(texts)
    if not _USUAL.fullmatch(joined):
        return [_timerange(text) for text in texts]
    # As numbers of JSON, which takes half the time of reading a thousand one by one.
    times = from_json(f"[{joined.translate(_AS_JSON)}]")
    return [
        made(TimeRange, (start, end, False))
        if (start := seconds * SECOND + ns) < (end := end_seconds * SECOND + end_ns)
        else EMPTY
        for seconds, ns, end_seconds, end_ns in times
    ]


def _plain(post: dict[str, Any], timerange: TimeRange) -> NewSegment:
    rare = {name: read(post[name]) for name, read in _RARE.items() if name in post}
    return NewSegment(**{**post, **rare, "timerange": timerange})


_FEWEST = 2  # object_id and timerange
_NO_MORE = NewSegment("", EMPTY)[_FEWEST:]
# Nothing that matched may be given back: half the time, as there is no other way to match.
_TIME = r"(?:0|[1-9][0-9]*+):(?:0|[1-9][0-9]{0,8}+)"
_USUAL = re.compile(rf"\[{_TIME}_{_TIME}\)(?:,\[{_TIME}_{_TIME}\))*+")
_AS_JSON = str.maketrans(":_)", ",,]")
_RARE: dict[str, Callable[[Any], object]] = {
    "ts_offset": _timestamp,
    "object_timerange": _timerange,
    "last_duration": _timestamp,
    "get_urls": lambda places: tuple(map(_elsewhere, places)),
}


def _parse_each(elements: list[Any]) -> SegmentPosts:
    posts, refused = [], []
    for position, element in enumerate(elements):
        object_id = element.get("object_id") if isinstance(element, dict) else None
        if not isinstance(object_id, str):
            raise Invalid(
                f"{position}.object_id", object_id, "each Segment must have one, a string"
            )
        try:
            posts.append(NewSegment(**parse(_SEGMENT, to_json(element))))
        except Invalid as refusal:
            refused.append(Refusal(object_id, None, str(refusal)))
    return SegmentPosts(posts, refused, is_array=True)


def parse_segment(body: bytes, field: str) -> NewSegment:
    """Read one Segment, which a request names so; raises `Invalid`."""
    return NewSegment(**parse(_SEGMENT, body, field))


def failed_segments_json(refused: Sequence[Refusal], at: datetime) -> bytes:
    """The body of a 200 to POST /flows/{flowId}/segments: what was not registered, and why."""
    time = timestamp_text(at)
    failed = []
    for object_id, timerange, reason in refused:
        item: dict[str, Any] = {"object_id": object_id}
        if timerange is not None:
            item["timerange"] = str(timerange)
        item["error"] = {"type": "Invalid", "summary": reason, "time": time}
        failed.append(item)
    return json.dumps({"failed_segments": failed}).encode()


def segments_json(
    segments: Sequence[PlainSegment], signer: Signer, *, verbose: bool, with_object: bool
) -> bytes:
    """The body of GET /flows/{flowId}/segments.

    Printed in one loop without a call that can be spared, since a page holds up to a thousand: by
    way of dictionaries and `json.dumps` it takes four times as long.
    """
    urls = GetUrls(signer, verbose=verbose)
    printed: list[str] = []
    before, last, last_text = "[", None, ""
    for (
        start, end, inclusive, object_id, ts_offset, last_duration, sample_offset, sample_count,
        object_start, object_end, object_inclusive, key_frame_count, storage_id, key, others, init,
    ) in segments:  # fmt: skip
        # Most begin where the one before ends.
        start_text = last_text if start == last else format_timestamp(start)
        last, last_text = end, format_timestamp(end)
        timerange = (
            format_range(start, end, inclusive) if inclusive else f"[{start_text}_{last_text})"
        )
        text = f'{before}{{"object_id":{quoted(object_id)},"timerange":"{timerange}"'
        if with_object and object_start is not None and object_end is not None:
            covers = format_range(object_start, object_end, bool(object_inclusive))
            text += f',"object_timerange":"{covers}"'
        rare = (ts_offset, last_duration, sample_offset, sample_count, key_frame_count)
        if rare != _NOTHING:
            text += _rare_facts(*rare)
        if init is not None:
            text += urls.init_object("object_id", init)
        printed.append(text)
        if key is not None or others:
            printed.append(urls.member(storage_id, key, others or ()))
        before = "},"
    printed.append("}]" if printed else "[]")
    return "".join(printed).encode("ascii")


_NOTHING = (0, None, None, None, None)


def _rare_facts(
    ts_offset: int,
    last_duration: int | None,
    sample_offset: int | None,
    sample_count: int | None,
    key_frame_count: int | None,
) -> str:
    text = f',"ts_offset":"{format_timestamp(ts_offset)}"' if ts_offset else ""
    if last_duration is not None:
        text += f',"last_duration":"{format_timestamp(last_duration)}"'
    if sample_offset is not None:
        text += f',"sample_offset":{sample_offset}'
    if sample_count is not None:
        text += f',"sample_count":{sample_count}'
    if key_frame_count is not None:
        text += f',"key_frame_count":{key_frame_count}'
    return text
