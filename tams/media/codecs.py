"""Codecs: their MIME types, and the containers that carry them as Objects."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import cache

import av

MIME_TYPES = {
    "aac": "audio/aac",
    "ac3": "audio/ac3",
    "alac": "audio/alac",
    "av1": "video/av1",
    "dnxhd": "video/vc3",
    "dts": "audio/vnd.dts",
    "eac3": "audio/eac3",
    "ffv1": "video/ffv1",
    "flac": "audio/flac",
    "h264": "video/h264",
    "hevc": "video/h265",
    "jpeg2000": "video/jp2",
    "mjpeg": "video/jpeg",
    "mp2": "audio/mpeg",
    "mp3": "audio/mpeg",
    "mpeg1video": "video/mpeg",
    "mpeg2video": "video/mpeg",
    "mpeg4": "video/mp4v-es",
    "opus": "audio/opus",
    "pcm_alaw": "audio/pcma",
    "pcm_mulaw": "audio/pcmu",
    "prores": "video/prores",
    "rawvideo": "video/raw",
    "vorbis": "audio/vorbis",
    "vp8": "video/vp8",
    "vp9": "video/vp9",
    "webvtt": "text/vtt",
}
"""As the Flow field `codec` names them."""

_PCM = re.compile(r"pcm_([suf])([0-9]+)(?:le|be)?")
_TRANSPORT = frozenset(
    {"aac", "ac3", "dts", "eac3", "h264", "hevc", "mp2", "mp3", "mpeg1video", "mpeg2video", "mpeg4"}
)


_DECODERS = {"dts": "dca"}
"""Codecs that FFmpeg's muxers list by the name of the decoder alone."""

_REFUSED = {
    "mov": frozenset({"av1", "flac", "opus", "truehd", "vp8", "vp9"}),
    "mp4": frozenset({"truehd", "vp8"}),
}
"""Codecs that FFmpeg's muxers list, and yet refuse when they begin to write."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """A container that Objects are written in; `muxer` is its name in FFmpeg.

    `init_mime_type` is that of the init Object, None where every Object is complete in itself.
    """

    muxer: str
    mime_type: str
    extension: str
    init_mime_type: str | None = None

    @property
    def fragmented(self) -> bool:
        """Whether what the Objects of a track have in common is in an Object of its own."""
        return self.init_mime_type is not None


TRANSPORT_STREAM = Carrier("mpegts", "video/mp2t", ".ts")
QUICKTIME = Carrier("mov", "video/quicktime", ".mov")
MP4 = Carrier("mp4", "video/mp4", ".mp4")
FRAGMENTED = {
    "video": Carrier("mp4", "video/iso.segment", ".m4s", "video/mp4"),
    "audio": Carrier("mp4", "audio/iso.segment", ".m4s", "audio/mp4"),
}


def mime_type(kind: str, codec: str) -> str:
    """Return the MIME type of a codec that FFmpeg calls `codec`."""
    known = MIME_TYPES.get(codec)
    if known is not None:
        return known
    if match := _PCM.fullmatch(codec):
        return "audio/x-raw-float" if match[1] == "f" else "audio/x-raw-int"
    family = kind if kind in {"video", "audio"} else "application"
    return f"{family}/x-{codec}"


def pcm_bits(codec: str) -> int | None:
    """Return the bits of one sample of interleaved PCM, None for any other codec."""
    if codec in {"pcm_alaw", "pcm_mulaw"}:
        return 8
    match = _PCM.fullmatch(codec)
    return int(match[2]) if match else None


def carrier_for(codec: str) -> Carrier | None:
    """Return the container for Objects of this codec: MPEG-TS where it can carry it, else MOV.

    MP4 takes the codecs that QuickTime does not; None if no container takes it.
    """
    if codec in _TRANSPORT:
        return TRANSPORT_STREAM
    return next((carrier for carrier in (QUICKTIME, MP4) if can_carry(carrier.muxer, codec)), None)


def fragmented_carrier_for(kind: str, codec: str) -> Carrier | None:
    """Return the container for Objects of fragmented MP4; None if it does not take the codec."""
    return FRAGMENTED.get(kind) if can_carry("mp4", codec) else None


def can_carry(muxer: str, codec: str) -> bool:
    """Whether FFmpeg's muxer of this name can hold the codec so that it is found again."""
    if muxer == "mpegts":
        return codec in _TRANSPORT
    return _DECODERS.get(codec, codec) in _listed(muxer)


@cache
def _listed(muxer: str) -> frozenset[str]:
    with av.open(io.BytesIO(), "w", format=muxer) as output:
        return frozenset(output.supported_codecs) - _REFUSED.get(muxer, frozenset())
