"""The coded samples of one track, in decoding order, with exact times."""

from __future__ import annotations

import hashlib
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from tams.errors import MediaUnreadable
from tams.media.clock import FrameGrid, SampleChain, Unwrapper, nearest
from tams.media.codecs import pcm_bits

_HEAD = 64
"""Packets without decoding time that may open a track: more than any codec's reordering."""


@dataclass(slots=True)
class Sample:
    """A frame of video or a packet of audio; times are exact seconds on the container's clock."""

    packet: Packet[Stream]
    time: Fraction
    decode_time: Fraction
    duration: Fraction
    priming: Fraction
    """How much of the beginning is decoded but not presented; all of it if `hidden`."""
    hidden: bool

    @property
    def shown(self) -> Fraction:
        """When it is first presented."""
        return self.time + self.priming

    @property
    def end(self) -> Fraction:
        """When its presentation ends."""
        return self.time + self.duration


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise FFmpeg's complaints about a file as `MediaUnreadable`."""
    try:
        yield
    except FFmpegError as error:
        raise MediaUnreadable(f"{path}: {error.strerror or error}") from error


def open_media(path: Path) -> InputContainer:
    """Open a file for reading, with the time stamps of a transport stream as they are in it."""
    options = {"correct_ts_overflow": "0", "fflags": "+genpts"}
    return av.open(str(path), "r", options=options)


def wraps(container: InputContainer) -> bool:
    """Whether the container's time stamps have 33 bits."""
    return container.format.name in {"mpegts", "mpeg"}


def codec_name(stream: Stream) -> str:
    """Return FFmpeg's name of the codec, whichever decoder was picked; empty if unknown."""
    context = stream.codec_context
    return "" if context is None else str(context.codec.canonical_name)


def tick_of(stream: Stream) -> Fraction:
    """Return the track's time base in seconds."""
    if not stream.time_base:
        raise MediaUnreadable(f"track {stream.index} has no time base")
    return stream.time_base


@dataclass(frozen=True, slots=True)
class Coding:
    """What a decoder is told before the first sample, and not again."""

    codec: str
    shape: tuple[int, int] | None
    """Width and height, or sample rate and channels; None where the samples themselves tell."""
    parameters: bytes | None = None
    """As the codec defines them."""

    def __str__(self) -> str:
        shape = "in-band" if self.shape is None else "{}/{}".format(*self.shape)
        digest = hashlib.sha256(self.parameters or b"").hexdigest()[:8]
        return f"{self.codec} {shape} (parameters {digest})"


def coding_of(container: InputContainer, stream: Stream) -> Coding:
    """Return what a file tells of one of its tracks ahead of all samples."""
    codec, context = codec_name(stream), stream.codec_context
    if wraps(container):
        return Coding(codec, None)
    if isinstance(stream, VideoStream):
        return Coding(codec, (stream.width, stream.height), context.extradata)
    if isinstance(stream, AudioStream):
        return Coding(codec, (stream.rate, stream.channels), context.extradata)
    return Coding(codec, None, context.extradata)


class Sampler(ABC):
    """Turns the packets of one track into Samples."""

    def __init__(self, stream: Stream, unwrap: Unwrapper | None) -> None:
        self.tick = tick_of(stream)
        self._index = stream.index
        self._unwrap = unwrap
        self._held: list[Packet[Stream]] = []

    def feed(self, packet: Packet[Stream]) -> list[Sample]:
        """Take the next packet of the track; return the Samples that are known by now."""
        if packet.size == 0:
            return []
        self._stamp(packet)
        self._held.append(packet)
        if packet.dts is None and len(self._held) < _HEAD:
            return []
        return self.flush()

    def flush(self) -> list[Sample]:
        """Return the Samples still held; the track has ended."""
        held, self._held = self._held, []
        _complete_decoding_times(held)
        return [self._sample(packet) for packet in held]

    @abstractmethod
    def _sample(self, packet: Packet[Stream]) -> Sample: ...

    def _stamp(self, packet: Packet[Stream]) -> None:
        if packet.pts is None:
            packet.pts = packet.dts
        if packet.pts is None:
            raise MediaUnreadable(f"track {self._index} has a packet without a time stamp")
        if self._unwrap is None:
            return
        if packet.dts is not None:
            packet.dts = self._unwrap(packet.dts)
        packet.pts = self._unwrap(packet.pts)


class VideoSampler(Sampler):
    """Samples of video; `period` is the seconds from frame to frame, None if that varies."""

    def __init__(
        self, stream: VideoStream, unwrap: Unwrapper | None, period: Fraction | None
    ) -> None:
        super().__init__(stream, unwrap)
        self._period = period
        self._grid = FrameGrid(self.tick, period)

    def _sample(self, packet: Packet[Stream]) -> Sample:
        time = self._grid.place(_known(packet.pts) * self.tick)
        decode_time = self._grid.place(_known(packet.dts) * self.tick)
        duration = self._period or (packet.duration or 0) * self.tick
        hidden = packet.is_discard
        priming = duration if hidden else Fraction(0)
        return Sample(packet, time, min(decode_time, time), duration, priming, hidden)


class AudioSampler(Sampler):
    """Samples of audio, each beginning where the one before ended if the clock allows that."""

    def __init__(self, stream: AudioStream, unwrap: Unwrapper | None) -> None:
        super().__init__(stream, unwrap)
        self._rate = stream.codec_context.sample_rate
        self._packet_size = stream.codec_context.frame_size or None
        self._frame_bits = pcm_frame_bits(stream)
        self._chain = SampleChain(self.tick)
        self._presented_from: Fraction | None = None
        self._usual = Fraction(0)

    def _sample(self, packet: Packet[Stream]) -> Sample:
        duration = self._duration(packet)
        skip, discard = self._skipped(packet)
        time = _known(packet.pts) * self.tick
        if self._presented_from is None:
            # Priming on a coarse clock was rounded; the first real sample is on a tick.
            self._presented_from = self.tick * nearest(time + skip, self.tick)
            time = self._presented_from - skip
        time = self._chain.place(time, duration)
        priming = min(max(self._presented_from - time, Fraction(0)), duration)
        hidden = duration > 0 and priming == duration
        return Sample(packet, time, time, self._heard(duration, discard), priming, hidden)

    def _heard(self, duration: Fraction, discard: Fraction) -> Fraction:
        """Return how long a packet sounds; of a last one, some demuxers tell just that."""
        usual, self._usual = self._usual, duration
        told_already = abs(duration + discard - usual) <= self.tick or discard >= duration
        return duration if told_already else duration - discard

    def _duration(self, packet: Packet[Stream]) -> Fraction:
        told = (packet.duration or 0) * self.tick
        count = packet.size * 8 // self._frame_bits if self._frame_bits else self._packet_size
        if count is None:
            return told
        exact = Fraction(count, self._rate)
        return exact if not told or abs(exact - told) <= self.tick else told

    def _skipped(self, packet: Packet[Stream]) -> tuple[Fraction, Fraction]:
        if not packet.has_sidedata("skip_samples"):
            return Fraction(0), Fraction(0)
        start, end = struct.unpack_from("<II", bytes(packet.get_sidedata("skip_samples")))
        return Fraction(start, self._rate), Fraction(end, self._rate)


def sampler_for(
    stream: Stream, unwrap: Unwrapper | None, period: Fraction | None = None
) -> Sampler:
    """Return the sampler for a track of video or audio."""
    if isinstance(stream, VideoStream):
        return VideoSampler(stream, unwrap, period)
    if isinstance(stream, AudioStream):
        return AudioSampler(stream, unwrap)
    raise MediaUnreadable(f"track {stream.index} is neither video nor audio")


def pcm_frame_bits(stream: Stream) -> int | None:
    """Return the bits of one sample of all channels, None if the track is not PCM."""
    bits = pcm_bits(codec_name(stream))
    return (
        bits * stream.codec_context.channels if bits and isinstance(stream, AudioStream) else None
    )


def read_samples(container: InputContainer, sampler: Sampler, index: int) -> Iterator[Sample]:
    """Yield the Samples of one track of an open container."""
    for packet in container.demux(container.streams[index]):
        yield from sampler.feed(packet)
    yield from sampler.flush()


def _complete_decoding_times(packets: list[Packet[Stream]]) -> None:
    known = next((i for i, packet in enumerate(packets) if packet.dts is not None), None)
    if known == 0:
        return
    if known is None:
        if [p.pts for p in packets] != sorted(_known(p.pts) for p in packets):
            raise MediaUnreadable(
                "the packets are not in the order of their times, and say no other order"
            )
        for packet in packets:
            packet.dts = packet.pts
        return
    for earlier, later in zip(packets[known - 1 :: -1], packets[known:0:-1], strict=True):
        earlier.dts = _known(later.dts) - max(earlier.duration or 0, 1)


def _known(ticks: int | None) -> int:
    if ticks is None:
        raise MediaUnreadable("a packet has no time stamp")
    return ticks
