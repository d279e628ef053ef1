"""Objects: the bytes that Segments refer to (TAMS 8.2 `object`, `object-core`)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import NamedTuple

from tams.domain.timerange import TimeRange
from tams.errors import Invalid


class Instance(NamedTuple):
    """One place where an Object's bytes lie: in a Storage Backend, or at a URL of somebody else's.

    A controlled instance has `storage_id` and `key`; an uncontrolled one `url` and `label`.
    """

    storage_id: str | None = None
    key: str | None = None
    url: str | None = None
    label: str | None = None


class InitObject(NamedTuple):
    """An initialisation Object, as a Media Object that needs it shows it."""

    object_id: str
    storage_id: str | None = None
    key: str | None = None
    others: tuple[Instance, ...] | None = None
    """Instances besides the controlled one at `storage_id` and `key`, if there are any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """An Object that at least one Segment of a living Flow refers to.

    Segments refer to an initialisation Object by way of the Media Objects that name it.
    """

    id: str
    timerange: TimeRange | None
    """None for an initialisation Object."""
    key_frame_count: int | None
    first_referenced_by_flow: str | None
    """None once that Flow no longer refers to it."""
    instances: tuple[Instance, ...]
    size: int | None = None
    """Bytes of the controlled instance; None until they were measured."""
    created: datetime | None = None
    content_type: str | None = None
    """Of the controlled instance."""
    access_count: int = 0
    """How often it was read, as far as that is written down."""
    last_accessed: datetime | None = None
    init_object: InitObject | None = None


class Access(NamedTuple):
    """How often an Object was read, and when for the last time."""

    number: int
    last: datetime


class ObjectFacts(NamedTuple):
    """What is known of an Object's bytes: their type, their number, and since when it is there."""

    content_type: str | None
    size: int | None
    created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObject:
    """An Object to allocate for a Flow; it has no bytes yet."""

    id: str
    storage_id: str
    key: str
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedObject:
    """An id that is kept for an Object to come; `size` is what the client says it will have."""

    id: str
    size: int | None = None
    created_by: str | None = None
    created: datetime


class NewReservation(NamedTuple):
    """An id to reserve, with the bytes that the Object will have; None is an id to be made."""

    id: str | None
    size: int | None


MAX_ID_BYTES = 1024
"""Length limit of an Object's id, in UTF-8."""


def check_object_id(field: str, object_id: str) -> None:
    """Raise `Invalid` if an Object cannot have this id."""
    if not 0 < len(object_id.encode()) <= MAX_ID_BYTES:
        raise Invalid(field, object_id, f"each id must have 1 to {MAX_ID_BYTES} bytes of UTF-8")


def new_object_ids(number: int, at: datetime) -> list[str]:
    """Ids of Objects to come: UUIDs of version 7 (RFC 9562, section 5.7), ascending.

    So those that are allocated together lie side by side in an index, and what is new beside what
    is in memory; random ones cost a registration a page of the index each.
    """
    time = f"{int(at.timestamp() * 1000):012x}"
    head = f"{time[:8]}-{time[8:]}-7"
    drawn = (secrets.token_hex(10) for _ in range(number))
    return sorted(
        f"{head}{each[:3]}-{_VARIANT[int(each[3], 16) % 4]}{each[4:7]}-{each[7:19]}"
        for each in drawn
    )


_VARIANT = "89ab"
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_EXTENSIONS = {
    "video/mp2t": "ts",
    "video/mp4": "mp4",
    "audio/mp4": "m4a",
    "application/mp4": "mp4",
    "video/quicktime": "mov",
    "video/iso.segment": "m4s",
    "audio/iso.segment": "m4s",
    "application/mxf": "mxf",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/aac": "aac",
    "image/jpeg": "jpg",
    "image/png": "png",
    "application/json": "json",
    "application/ttml+xml": "ttml",
    "text/vtt": "vtt",
}


KEYS_BEGIN = "tams/"
"""How all keys of ours begin; what else lies in a backend is not ours."""


def object_folder(day: date, flow_id: str) -> str:
    """Where the bytes of a Flow's new Objects go within a backend, by day of allocation (UTC)."""
    return f"{KEYS_BEGIN}{day:%Y/%m/%d}/{flow_id}"


def copy_key(day: date, object_id: str, mark: str, content_type: str | None) -> str:
    """Where a copy of an Object goes within a backend, by the day on which it was asked for."""
    return object_key(f"{KEYS_BEGIN}{day:%Y/%m/%d}/copies", object_id, mark, content_type or "")


def object_key(folder: str, object_id: str, mark: str, content_type: str) -> str:
    """Where a new Object's bytes go within that folder.

    The mark is new for each allocation: whoever still writes or clears away the bytes of an earlier
    Object of this id, in this Flow and on this day, never touches the new one's.
    """
    name = object_id if _PLAIN_ID.fullmatch(object_id) else sha256(object_id.encode()).hexdigest()
    extension = _EXTENSIONS.get(content_type.partition(";")[0].rstrip().lower(), "bin")
    return f"{folder}/{name}.{mark}.{extension}"


def named_in_key(key: str) -> str:
    """The id of the Object that a key was made for, if the id is plain; else no Object's."""
    return key.rpartition("/")[2].rsplit(".", 2)[0]
