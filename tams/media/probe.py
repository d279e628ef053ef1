"""What is in a media file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Literal

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from tams.domain.flows import AudioParameters, VideoParameters
from tams.errors import MediaUnreadable
from tams.media.clock import FrameGrid, Unwrapper
from tams.media.codecs import Carrier, carrier_for, fragmented_carrier_for, mime_type
from tams.media.essence import audio_parameters, video_parameters
from tams.media.frame_rate import frame_rate
from tams.media.samples import (
    Sample,
    Sampler,
    codec_name,
    open_media,
    sampler_for,
    tick_of,
    translated,
    wraps,
)

Kind = Literal["video", "audio", "subtitle", "data"]

_FIRST_SAMPLES = 40
"""Samples per track that tell when it begins and how regular it is; reordering ends before."""

_SCAN_LIMIT = 20_000
"""Packets after which a track that has not shown that many is taken as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One track of a file; `carrier` is None if no such Object can hold it without re-encoding."""

    index: int
    kind: Kind
    codec: str
    """As the Flow field `codec`: a MIME type."""
    carrier: Carrier | None
    time_base: Fraction | None
    frame_rate: Fraction | None
    """Frames per second; None for audio, and for video whose rate varies."""
    parameters: VideoParameters | AudioParameters | None

    @property
    def period(self) -> Fraction | None:
        """Seconds from one frame to the next."""
        return None if self.frame_rate is None else 1 / self.frame_rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file that can be read; `origin` is its first presentation time, in exact seconds."""

    path: Path
    tracks: tuple[Track, ...]
    origin: Fraction
    first_ticks: int | None
    """Where 33-bit time stamps are to be counted from; None in other containers."""


def probe(path: Path, *, fragmented: bool = False) -> Media:
    """Describe every track of a file; raise `MediaUnreadable` if we can read none of them.

    The carriers are those of `carrier_for`, or fragmented MP4.
    """
    with translated(path), open_media(path) as container:
        head = _Head(container, fragmented)
        tracks = tuple(head.track(stream) for stream in container.streams)
        starts = [start for start in map(head.begins, tracks) if start is not None]
        if not starts:
            raise MediaUnreadable(f"{path}: it holds no video and no audio that can be read")
        return Media(
            path=path,
            tracks=tracks,
            origin=min(starts),
            first_ticks=head.first_ticks,
        )


class _Head:
    """The first Samples of each track of video and audio."""

    def __init__(self, container: InputContainer, fragmented: bool) -> None:
        self.first_ticks: int | None = None
        self._fragmented = fragmented
        self._wraps = wraps(container)
        self._samples: dict[int, list[Sample]] = {
            stream.index: [] for stream in container.streams if _is_essence(stream)
        }
        self._read(container)

    def _read(self, container: InputContainer) -> None:
        streams = [container.streams[index] for index in self._samples]
        samplers: dict[int, Sampler] = {}
        for packet in islice(container.demux(*streams) if streams else (), _SCAN_LIMIT):
            index = packet.stream_index
            if index not in samplers:
                samplers[index] = sampler_for(packet.stream, self._unwrapper(packet))
            self._samples[index] += samplers[index].feed(packet)
            if all(len(samples) >= _FIRST_SAMPLES for samples in self._samples.values()):
                break
        for index, sampler in samplers.items():
            self._samples[index] += sampler.flush()

    def _unwrapper(self, packet: Packet[Stream]) -> Unwrapper | None:
        if not self._wraps:
            return None
        if self.first_ticks is None:
            self.first_ticks = packet.pts if packet.dts is None else packet.dts
        return Unwrapper(self.first_ticks or 0)

    def track(self, stream: Stream) -> Track:
        samples = self._samples.get(stream.index)
        codec = codec_name(stream)
        parameters: VideoParameters | AudioParameters | None = None
        rate = None
        if samples and isinstance(stream, VideoStream):
            # Frames before this moment are all known: later packets are decoded after it.
            known = [s.time for s in samples if not s.hidden and s.time <= samples[-1].decode_time]
            rate = frame_rate(stream, known, tick_of(stream))
            parameters = video_parameters(stream, rate)
        elif samples and isinstance(stream, AudioStream):
            parameters = audio_parameters(stream)
        kind = _kind(stream)
        return Track(
            index=stream.index,
            kind=kind,
            codec=mime_type(kind, codec),
            carrier=self._carrier(kind, codec) if parameters else None,
            time_base=stream.time_base,
            frame_rate=rate,
            parameters=parameters,
        )

    def _carrier(self, kind: Kind, codec: str) -> Carrier | None:
        return fragmented_carrier_for(kind, codec) if self._fragmented else carrier_for(codec)

    def begins(self, track: Track) -> Fraction | None:
        """Return when the track is first presented, as cutting it will find."""
        if track.time_base is None or track.parameters is None:
            return None
        grid = FrameGrid(track.time_base, track.period)
        starts = [grid.place(sample.time) + sample.priming for sample in self._samples[track.index]]
        shown = zip(starts, self._samples[track.index], strict=True)
        return min((start for start, sample in shown if not sample.hidden), default=None)


def _is_essence(stream: Stream) -> bool:
    if isinstance(stream, VideoStream):
        return stream.codec_context.width > 0 and not stream.disposition & Disposition.attached_pic
    return isinstance(stream, AudioStream) and stream.codec_context.sample_rate > 0


def _kind(stream: Stream) -> Kind:
    if isinstance(stream, VideoStream) and not stream.disposition & Disposition.attached_pic:
        return "video"
    if isinstance(stream, AudioStream):
        return "audio"
    return "subtitle" if stream.type == "subtitle" else "data"
