"""What the boxes of fragmented MP4 say, read without FFmpeg (ISO/IEC 14496-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

PARENTS = {"moov", "trak", "mdia", "minf", "stbl", "mvex", "moof", "traf"}


def boxes(data: bytes) -> list[str]:
    """Return the kinds of the boxes at the top."""
    return [kind for kind, _ in _children(data)]


def find(data: bytes, kind: str) -> bytes | None:
    """Return the content of the first box of this kind, at any depth."""
    for name, content in _children(data):
        if name == kind:
            return content
        inside = find(content, kind) if name in PARENTS else None
        if inside is not None:
            return inside
    return None


class Written(NamedTuple):
    """When a sample is decoded and presented, and for how long, in seconds."""

    decode: Fraction
    present: Fraction
    duration: Fraction


def samples(init: bytes, media: bytes) -> list[Written]:
    """Return the samples of one track fragment as its boxes place them."""
    mdhd, tfdt = find(init, "mdhd"), find(media, "tfdt")
    assert mdhd is not None
    assert tfdt is not None
    (scale,) = struct.unpack_from(">I", mdhd, 20 if mdhd[0] else 12)
    (decode,) = struct.unpack_from(">Q" if tfdt[0] else ">I", tfdt, 4)
    found = []
    for duration, offset in _run(media, _default_duration(media)):
        times = (decode, decode + offset, duration)
        found.append(Written(*(Fraction(ticks, scale) for ticks in times)))
        decode += duration
    return found


def _children(data: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        assert 8 <= size <= len(data) - at
        yield kind.decode(), data[at + 8 : at + size]
        at += size


def _default_duration(media: bytes) -> int:
    tfhd = find(media, "tfhd")
    assert tfhd is not None
    flags = int.from_bytes(tfhd[1:4])
    assert flags & 0x020000, "data offsets must count from the fragment"
    assert flags & 0x08, "the fragment must not lean on what init segments say of durations"
    at = 8 + 8 * (flags & 1) + 4 * (flags >> 1 & 1)
    (duration,) = struct.unpack_from(">I", tfhd, at)
    return duration


def _run(media: bytes, default: int) -> Iterator[tuple[int, int]]:
    """Yield the duration and the composition offset of each sample."""
    trun = find(media, "trun")
    assert trun is not None
    flags, (count,) = int.from_bytes(trun[1:4]), struct.unpack_from(">I", trun, 4)
    at = 8 + 4 * (flags & 1) + 4 * (flags >> 2 & 1)
    for _ in range(count):
        duration, offset = default, 0
        if flags & 0x100:
            (duration,) = struct.unpack_from(">I", trun, at)
        at += 4 * (flags >> 8 & 1) + 4 * (flags >> 9 & 1) + 4 * (flags >> 10 & 1)
        if flags & 0x800:
            (offset,) = struct.unpack_from(">i" if trun[0] else ">I", trun, at)
            at += 4
        yield duration, offset
