"""Writing coded packets into a container, unchanged but for their time stamps."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.packet import Packet
from av.stream import Stream

from tams.errors import MediaUnreadable
from tams.media.clock import TS_CLOCK
from tams.media.samples import codec_name

_LARGEST_TIMESCALE = 2**31 - 1

_COARSEST = Fraction(1, 10_000)
"""The clock of Matroska, for one, would move frames off their boundaries."""

_FILTERS = {
    # Each key frame, also of an open GOP, is preceded by its parameter sets.
    "mpegts": {
        "h264": "h264_mp4toannexb,dump_extra",
        "hevc": "hevc_mp4toannexb,dump_extra",
        "mpeg2video": "dump_extra",
        "mpeg4": "dump_extra",
    },
    # The muxer does this by itself, except where it writes fragments.
    "mp4": {"aac": "aac_adtstoasc"},
}
"""What packets of a codec go through on their way into a container."""

_USUAL_LAYOUTS = {"1 channels": "mono", "2 channels": "stereo"}
"""What is meant where a file, such as WAV, only counts its channels; MP4 must know."""


class PacketTimes(NamedTuple):
    """When a packet is decoded and presented, and for how long."""

    present: int
    decode: int
    duration: int


def output_tick(muxer: str, stream: Stream) -> Fraction:
    """Return the clock on which a track is written: samples for audio, else as fine as needed."""
    if muxer == "mpegts":
        return TS_CLOCK
    if isinstance(stream, AudioStream):
        return Fraction(1, stream.codec_context.sample_rate)
    tick = stream.time_base or TS_CLOCK
    return tick if tick <= _COARSEST else TS_CLOCK


class Output:
    """A media file being written: a context manager, complete when it is left."""

    def __init__(
        self, path: Path, muxer: str, templates: Sequence[Stream], options: dict[str, str]
    ) -> None:
        self.ticks = tuple(output_tick(muxer, template) for template in templates)
        scale = lcm(*(tick.denominator for tick in self.ticks))
        if muxer in {"mov", "mp4"} and scale <= _LARGEST_TIMESCALE:
            # Empty edits are counted on this clock; the default of milliseconds is too coarse.
            options = {"movie_timescale": str(scale), **options}
        options = {"fflags": "+bitexact", **options}
        self._container = av.open(str(path), "w", format=muxer, options=options)
        self._lanes = [self._lane(template, muxer) for template in templates]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Complete the file."""
        self._container.close()

    def write(self, lane: int, packet: Packet[Stream], times: PacketTimes) -> None:
        """Write the next packet of a track; times are ticks of that track's clock."""
        for written in self._lanes[lane].prepared(packet, times):
            self._container.mux(written)

    def _lane(self, template: Stream, muxer: str) -> _Lane:
        stream = self._container.add_stream_from_template(template, opaque=True)
        if isinstance(stream, AudioStream):
            named = _USUAL_LAYOUTS.get(stream.codec_context.layout.name)
            if named is not None:
                stream.codec_context.layout = named
        tick = output_tick(muxer, template)
        stream.time_base = tick
        chain = _FILTERS.get(muxer, {}).get(codec_name(template))
        bitstream = BitStreamFilterContext(chain, template) if chain else None
        return _Lane(stream, tick, bitstream)


class _Lane:
    """One track of an output."""

    def __init__(
        self, stream: Stream, tick: Fraction, bitstream: BitStreamFilterContext | None
    ) -> None:
        self._stream = stream
        self._tick = tick
        self._bitstream = bitstream
        self._last: int | None = None

    def prepared(self, packet: Packet[Stream], times: PacketTimes) -> list[Packet[Stream]]:
        decode = times.decode
        if self._last is not None and decode <= self._last:
            # Rounding, or Objects with different reordering: decoding times must still rise.
            decode = self._last + 1
        if decode > times.present:
            raise MediaUnreadable("the samples are not in an order that can be decoded in time")
        self._last = decode
        packets = [packet] if self._bitstream is None else self._bitstream.filter(packet)
        for item in packets:
            item.stream = self._stream
            item.time_base = self._tick
            item.pts, item.dts = times.present, decode
            item.duration = max(times.duration, 0)
        return packets
