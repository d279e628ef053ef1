"""Small clips made with PyAV alone, and what a decoder makes of a file."""

from __future__ import annotations

import hashlib
import math
import struct
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
from av.video.frame import PictureType

WIDTH, HEIGHT = 64, 48
GOPS = (25, 40)
"""Frames from key frame to key frame, in turn."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """What to make; the first track is the video, if any."""

    seconds: int = 20
    rate: Fraction = Fraction(25)
    video: str | None = "libx264"
    open_gop: bool = False
    audio: Sequence[str] = ("aac",)
    sample_rate: int = 48_000
    begins: str = "0"
    """Seconds by which a transport stream is late."""
    uneven: bool = False
    """Whether every fifth frame is missing."""


def write_clip(path: Path, clip: Clip | None = None) -> Path:
    """Write a clip; the end of the name says the container."""
    clip = clip or Clip()
    muxer = {".ts": "mpegts", ".mkv": "matroska"}.get(path.suffix, path.suffix[1:])
    options = {"output_ts_offset": clip.begins}
    with av.open(str(path), "w", format=muxer, options=options) as output:
        video = _video_track(output, clip)
        audio = [_audio_track(output, codec, clip.sample_rate) for codec in clip.audio]
        frames, sounds = _frames(clip), [_sound(track, clip, n) for n, track in enumerate(audio)]
        for second in range(clip.seconds):
            for frame in _until(frames, second + 1) if video else ():
                output.mux(video.encode(frame))
            for track, sound in zip(audio, sounds, strict=True):
                for frame in _until(sound, second + 1):
                    output.mux(track.encode(frame))
        for track in [*([video] if video else []), *audio]:
            output.mux(track.encode(None))
    return path


def _until(frames, second: int) -> Iterator:
    """Yield frames up to the first one at or after `second`, that one included."""
    for frame in frames:
        yield frame
        if frame.pts * frame.time_base >= second:
            return


def _video_track(output, clip: Clip):
    if clip.video is None:
        return None
    track = output.add_stream(clip.video, rate=clip.rate)
    track.width, track.height = WIDTH, HEIGHT
    track.pix_fmt = {"mjpeg": "yuvj420p", "prores_ks": "yuv422p10le"}.get(clip.video, "yuv420p")
    if clip.video == "libx264":
        opened = ":open-gop=1" if clip.open_gop else ""
        parameters = f"bframes=3:b-adapt=0:scenecut=0:keyint=500:threads=1{opened}"
        track.options = {"preset": "veryfast", "x264-params": parameters}
    return track


def _audio_track(output, codec: str, rate: int):
    track = output.add_stream(codec, rate=rate)
    track.layout = "stereo"
    return track


def _key_frames(count: int) -> set[int]:
    keys, at, turn = set(), 0, 0
    while at < count:
        keys.add(at)
        at += GOPS[turn % 2]
        turn += 1
    return keys


def _frames(clip: Clip) -> Iterator[av.VideoFrame]:
    count = math.ceil(clip.seconds * clip.rate)
    keys = _key_frames(count)
    ramp = bytes(range(256)) * 32
    for number in range(count):
        if clip.uneven and number % 5 == 4:
            continue
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for plane_number, plane in enumerate(frame.planes):
            at = (number * (7 + plane_number) + number // 32) % 4096
            plane.update(ramp[at : at + plane.buffer_size])
        frame.pts, frame.time_base = number, 1 / clip.rate
        if number in keys:
            frame.pict_type = PictureType.I
        if clip.video in {"mjpeg", "prores_ks"}:
            wanted = "yuvj420p" if clip.video == "mjpeg" else "yuv422p10le"
            pts, base = frame.pts, frame.time_base
            frame = frame.reformat(format=wanted)
            frame.pts, frame.time_base = pts, base
        yield frame


@cache
def _tone(rate: int, seconds: int, track: int) -> array:
    """Return a slowly rising tone that never repeats, as 32-bit floats."""
    step = (0.02 + 0.01 * track) * 48_000 / rate
    return array("f", (0.4 * math.sin(n * step * (1 + n * 1e-6)) for n in range(rate * seconds)))


def _sound(track, clip: Clip, number: int) -> Iterator[av.AudioFrame]:
    tone = _tone(clip.sample_rate, clip.seconds, number)
    whole = (
        array("h", (int(value * 32_000) for value in tone)) if "s16" in track.format.name else tone
    )
    planar = track.format.is_planar
    step = track.codec_context.frame_size or 1024
    for at in range(0, len(whole), step):
        part = whole[at : at + step]
        frame = av.AudioFrame(track.format.name, "stereo", len(part))
        frame.sample_rate, frame.pts = clip.sample_rate, at
        frame.time_base = Fraction(1, clip.sample_rate)
        if planar:
            data = part.tobytes()
        else:
            both = array(part.typecode, bytes(2 * len(part) * part.itemsize))
            both[0::2], both[1::2] = part, part
            data = both.tobytes()
        for plane in frame.planes:
            plane.update(data + bytes(plane.buffer_size - len(data)))
        yield frame


@dataclass
class Decoded:
    """What a decoder shows of a file."""

    frames: list[str] = field(default_factory=list)
    """A hash of each frame's planes."""
    times: list[Fraction] = field(default_factory=list)
    """When each frame is presented, in seconds."""
    sounds: dict[int, bytes] = field(default_factory=dict)
    """Per audio track, in their order, the samples of the first plane."""
    sample_counts: dict[int, int] = field(default_factory=dict)


def decode(path: Path) -> Decoded:
    """Decode every frame and sample of a file."""
    decoded = Decoded()
    with av.open(str(path)) as container:
        numbers = {stream.index: n for n, stream in enumerate(container.streams.audio)}
        for packet in container.demux(*container.streams.video, *container.streams.audio):
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    decoded.times.append(frame.pts * frame.time_base)
                    decoded.frames.append(_hash(frame))
                else:
                    _hear(decoded, numbers[packet.stream_index], frame)
    return decoded


def _hash(frame: av.VideoFrame) -> str:
    digest = hashlib.sha256()
    for plane in frame.planes:
        data = bytes(plane)
        row = plane.width * (2 if "10le" in frame.format.name else 1)
        for line in range(plane.height):
            digest.update(data[line * plane.line_size : line * plane.line_size + row])
    return digest.hexdigest()


def _hear(decoded: Decoded, track: int, frame: av.AudioFrame) -> None:
    channels = 1 if frame.format.is_planar else frame.layout.nb_channels
    size = frame.samples * channels * frame.format.bytes
    decoded.sounds[track] = decoded.sounds.get(track, b"") + bytes(frame.planes[0])[:size]
    decoded.sample_counts[track] = decoded.sample_counts.get(track, 0) + frame.samples


def transport_times(data: bytes) -> list[int]:
    """Return the presentation times in a transport stream's bytes, of 33 bits, as written."""
    times = []
    for at in range(0, len(data), 188):
        packet = data[at : at + 188]
        starts, pid = packet[1] & 0x40, struct.unpack(">H", packet[1:3])[0] & 0x1FFF
        body = packet[4:] if not packet[3] & 0x20 else packet[5 + packet[4] :]
        if not starts or pid < 0x20 or body[:3] != b"\0\0\1" or not body[7] & 0x80:
            continue
        a, b, c, d, e = body[9:14]
        times.append((a >> 1 & 7) << 30 | b << 22 | c >> 1 << 15 | d << 7 | e >> 1)
    return times
