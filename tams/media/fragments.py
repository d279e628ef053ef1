"""Fragmented MP4: one movie fragment an Object, and what all of a track have in common apart.

The boxes are those of ISO/IEC 14496-12. An init Object is `ftyp` and `moov`, without samples and
without edit list; a media Object is `styp`, `moof` and `mdat`, whose `baseMediaDecodeTime` is on
the clock of its track. Put behind its init Object, a media Object is a file that can be read.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path

import av

from tams.errors import MediaUnreadable
from tams.media.codecs import pcm_bits
from tams.media.samples import Coding, coding_of, translated

_SEGMENT_TYPE = struct.pack(">I4s4sI4s", 20, b"styp", b"msdh", 0, b"msdh")
"""A media segment that stands by itself should begin with its type (8.16.2)."""

_HEADER = struct.Struct(">I4s")


def fragment_options(codec: str) -> dict[str, str]:
    """Return what makes FFmpeg's muxer write an init segment and one fragment."""
    # Times stay as given, though earlier fragments are not in the same file.
    flags = "frag_custom+empty_moov+default_base_moof+frag_discont+skip_sidx+skip_trailer"
    if pcm_bits(codec) is None:
        # Some codecs are described in their first packet. PCM is not, and would be counted.
        flags += "+delay_moov"
    return {"movflags": flags, "use_editlist": "0", "avoid_negative_ts": "disabled"}


class InitSegments:
    """The init segments of one track: one is enough as long as decoders are told the same.

    FFmpeg also writes bit rates into them, and takes those from the samples it has seen.
    """

    def __init__(self) -> None:
        self._known: dict[Coding, bytes] = {}

    def split(self, path: Path) -> bytes:
        """Make a file of an init segment and a fragment a media segment; return the former.

        It is the first of those that would serve.
        """
        written = path.read_bytes()
        begin = _begin_of_media(path, written)
        with path.open("wb") as file:
            file.write(_SEGMENT_TYPE)
            file.write(memoryview(written)[begin:])
        init = written[:begin]
        if init in self._known.values():
            return init
        with translated(path), av.open(io.BytesIO(init), "r") as container:
            return self._known.setdefault(coding_of(container, container.streams[0]), init)


def _begin_of_media(path: Path, written: bytes) -> int:
    at = 0
    while at + _HEADER.size <= len(written):
        size, kind = _HEADER.unpack_from(written, at)
        if kind == b"moof":
            return at
        at += max(size, _HEADER.size)
    raise MediaUnreadable(f"{path}: no fragment was written")
