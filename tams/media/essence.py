"""What a track's essence is, in the words of the standard (`flow-video`, `flow-audio`)."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from tams.domain.flows import (
    AspectRatio,
    AudioCodecParameters,
    AudioParameters,
    AVCParameters,
    Ratio,
    UncompressedAudio,
    VideoParameters,
)
from tams.media.codecs import mime_type, pcm_bits
from tams.media.samples import codec_name

Interlacing = Literal["progressive", "interlaced_tff", "interlaced_bff"]
Colorspace = Literal["BT601", "BT709", "BT2020", "BT2100"]
Transfer = Literal["SDR", "HLG", "PQ"]

# The numbers below are those of ISO/IEC 23091-2, and FFmpeg's for the order of fields.
_FIELD_ORDERS: dict[int, Interlacing] = {
    1: "progressive",
    2: "interlaced_tff",
    3: "interlaced_bff",
    4: "interlaced_bff",
    5: "interlaced_tff",
}
_MATRICES: dict[int, Colorspace] = {1: "BT709", 5: "BT601", 6: "BT601", 9: "BT2020", 10: "BT2020"}
_TRANSFERS: dict[int, Transfer] = {
    1: "SDR", 4: "SDR", 5: "SDR", 6: "SDR", 14: "SDR", 15: "SDR", 16: "PQ", 18: "HLG",
}  # fmt: skip
_OBJECT_TYPES = {"Main": 1, "LC": 2, "SSR": 3, "LTP": 4, "HE-AAC": 5, "HE-AACv2": 29}


def video_parameters(stream: VideoStream, frame_rate: Fraction | None) -> VideoParameters:
    """Describe a video track; `frame_rate` is None where it varies."""
    context = stream.codec_context
    layout = context.format
    components = layout.components if layout else ()
    chroma = layout is not None and not layout.is_rgb and len(components) >= 3
    return VideoParameters(
        frame_width=context.width,
        frame_height=context.height,
        bit_depth=components[0].bits if components else None,
        interlace_mode=_FIELD_ORDERS.get(context.field_order),
        colorspace=_colorspace(context.colorspace, context.color_trc),
        transfer_characteristic=_TRANSFERS.get(context.color_trc),
        aspect_ratio=_aspect(_display_aspect(stream)),
        pixel_aspect_ratio=_aspect(stream.sample_aspect_ratio),
        component_type=None if layout is None else "RGB" if layout.is_rgb else "YCbCr",
        horiz_chroma_subs=16 // layout.chroma_width(16) if layout and chroma else None,
        vert_chroma_subs=16 // layout.chroma_height(16) if layout and chroma else None,
        avc_parameters=avc_parameters(context.extradata) if codec_name(stream) == "h264" else None,
        frame_rate=None
        if frame_rate is None
        else Ratio(numerator=frame_rate.numerator, denominator=frame_rate.denominator),
        vfr=True if frame_rate is None else None,
    )


def audio_parameters(stream: AudioStream) -> AudioParameters:
    """Describe an audio track."""
    context = stream.codec_context
    codec = codec_name(stream)
    bits = pcm_bits(codec)
    raw = mime_type("audio", codec).startswith("audio/x-raw-")
    return AudioParameters(
        sample_rate=context.sample_rate,
        channels=context.channels,
        bit_depth=bits,
        codec_parameters=None if bits else _codec_parameters(stream),
        unc_parameters=UncompressedAudio(unc_type="interleaved") if raw else None,
    )


def avc_parameters(extradata: bytes | None) -> AVCParameters | None:
    """Read profile, flags and level from an `avcC` box or from a sequence parameter set."""
    if not extradata:
        return None
    if extradata[0] == 1 and len(extradata) >= 4:
        profile, flags, level = extradata[1:4]
        return AVCParameters(profile=profile, level=level, flags=flags)
    at = extradata.find(b"\x00\x00\x01")
    while at >= 0:
        unit = extradata[at + 3 : at + 7]
        if len(unit) == 4 and unit[0] & 0x1F == 7:
            return AVCParameters(profile=unit[1], level=unit[3], flags=unit[2])
        at = extradata.find(b"\x00\x00\x01", at + 3)
    return None


def _codec_parameters(stream: AudioStream) -> AudioCodecParameters | None:
    size = stream.codec_context.frame_size or None
    object_type = _OBJECT_TYPES.get(stream.profile or "") if codec_name(stream) == "aac" else None
    if size is None and object_type is None:
        return None
    return AudioCodecParameters(coded_frame_size=size, mp4_oti=object_type)


def _colorspace(matrix: int, transfer: int) -> Colorspace | None:
    named = _MATRICES.get(matrix)
    if named == "BT2020" and _TRANSFERS.get(transfer) in {"HLG", "PQ"}:
        return "BT2100"
    return named


def _display_aspect(stream: VideoStream) -> Fraction | None:
    pixel = stream.sample_aspect_ratio
    if not pixel:
        return None
    return pixel * Fraction(stream.codec_context.width, stream.codec_context.height)


def _aspect(ratio: Fraction | None) -> AspectRatio | None:
    if not ratio:
        return None
    return AspectRatio(numerator=ratio.numerator, denominator=ratio.denominator)
