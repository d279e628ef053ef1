"""The coded samples of one track, in decoding order, with exact times."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError

from tams.errors import MediaUnreadable
from tams.media.clock import FrameGrid, SampleChain, Unwrapper, nearest
from tams.media.codecs import pcm_bits

_HEAD = 64
"""Packets without decoding time that may open a track: more than any codec's reordering."""


@dataclass(slots=True)
class Sample:
    """A frame of video or a packet of audio; times are exact seconds on the container's clock."""

    packet: av.Packet
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


def codec_name(stream: av.stream.Stream) -> str:
    """Return FFmpeg's name of the codec, whichever decoder was picked; empty if unknown."""
    context = stream.codec_context
    return "" if context is None else str(context.codec.canonical_name)


def tick_of(stream: av.stream.Stream) -> Fraction:
    """Return the track's time base in seconds."""
    if not stream.time_base:
        raise MediaUnreadable(f"track {stream.index} has no time base")
    return stream.time_base


class Sampler:
    """Turns the packets of one track into Samples."""

    def __init__(
        self, stream: av.stream.Stream, unwrap: Unwrapper | None, period: Fraction | None = None
    ) -> None:
        self._stream = stream
        self._unwrap = unwrap
        self._period = period
        self._tick = tick_of(stream)
        self._grid = FrameGrid(self._tick, period)
        self._chain = SampleChain(self._tick)
        self._held: list[av.Packet] = []
        self._presented_from: Fraction | None = None

    def feed(self, packet: av.Packet) -> list[Sample]:
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
        _complete_decoding_times(held, reorders=self._stream.type == "video")
        build = self._video if self._stream.type == "video" else self._audio
        return [build(packet) for packet in held]

    def _stamp(self, packet: av.Packet) -> None:
        if packet.pts is None:
            packet.pts = packet.dts
        if packet.pts is None:
            raise MediaUnreadable(f"track {self._stream.index} has a packet without a time stamp")
        if self._unwrap is None:
            return
        if packet.dts is not None:
            packet.dts = self._unwrap(packet.dts)
        packet.pts = self._unwrap(packet.pts)

    def _video(self, packet: av.Packet) -> Sample:
        time = self._grid.place(_known(packet.pts) * self._tick)
        decode_time = self._grid.place(_known(packet.dts) * self._tick)
        duration = self._period or (packet.duration or 0) * self._tick
        hidden = packet.is_discard
        priming = duration if hidden else Fraction(0)
        return Sample(packet, time, min(decode_time, time), duration, priming, hidden)

    def _audio(self, packet: av.Packet) -> Sample:
        duration = self._audio_duration(packet)
        skip, discard = self._skipped(packet)
        time = _known(packet.pts) * self._tick
        if self._presented_from is None:
            time = self._nearest_tick(time + skip) - skip
            self._presented_from = time + skip
        time = self._chain.place(time, duration)
        priming = min(max(self._presented_from - time, Fraction(0)), duration)
        hidden = duration > 0 and priming == duration
        return Sample(packet, time, time, duration - discard, priming, hidden)

    def _nearest_tick(self, time: Fraction) -> Fraction:
        # Priming rounded to a coarse clock would move the first real sample off its tick.
        return self._tick * nearest(time, self._tick)

    def _audio_duration(self, packet: av.Packet) -> Fraction:
        told = (packet.duration or 0) * self._tick
        counted = sample_count(self._stream, packet.size)
        if counted is None:
            return told
        exact = Fraction(counted, self._stream.codec_context.sample_rate)
        return exact if not told or abs(exact - told) <= self._tick else told

    def _skipped(self, packet: av.Packet) -> tuple[Fraction, Fraction]:
        if not packet.has_sidedata("skip_samples"):
            return Fraction(0), Fraction(0)
        start, end = struct.unpack_from("<II", bytes(packet.get_sidedata("skip_samples")))
        rate = self._stream.codec_context.sample_rate
        return Fraction(start, rate), Fraction(end, rate)


def sample_count(stream: av.stream.Stream, size: int) -> int | None:
    """Return how many audio samples a packet of `size` bytes decodes to, None if it varies."""
    context = stream.codec_context
    bits = pcm_bits(codec_name(stream))
    if bits is not None:
        return size * 8 // (bits * context.channels)
    return context.frame_size or None


def read_samples(container: InputContainer, sampler: Sampler, index: int) -> Iterator[Sample]:
    """Yield the Samples of one track of an open container."""
    for packet in container.demux(container.streams[index]):
        yield from sampler.feed(packet)
    yield from sampler.flush()


def _complete_decoding_times(packets: list[av.Packet], *, reorders: bool) -> None:
    known = next((i for i, packet in enumerate(packets) if packet.dts is not None), None)
    if known == 0:
        return
    if known is None:
        if reorders and [p.pts for p in packets] != sorted(_known(p.pts) for p in packets):
            raise MediaUnreadable("the video has no decoding times; remux it with them first")
        for packet in packets:
            packet.dts = packet.pts
        return
    for earlier, later in zip(packets[known - 1 :: -1], packets[known:0:-1], strict=True):
        earlier.dts = _known(later.dts) - max(earlier.duration or 0, 1)


def _known(ticks: int | None) -> int:
    if ticks is None:
        raise MediaUnreadable("a packet has no time stamp")
    return ticks
