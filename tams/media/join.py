"""Joining Segments of one or several tracks into one file, without re-encoding.

Zero of the file is the earliest Segment's start. Every sample lies where `ts_offset` puts it, so
gaps between Segments stay gaps. Where Objects are used in part, PCM is cut at the sample, other
audio at its packets, video at what can be decoded. Objects of open GOPs can follow
only those that they followed in their recording: decoders start anew at IDR frames alone.

MP4 and QuickTime files hide what comes before zero, so codec priming costs nothing there; in
MPEG-TS and Matroska it is decoded and heard: `Joined.priming` tells how much.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tams.errors import MediaUnreadable
from tams.media.clock import nearest, to_ns
from tams.media.codecs import can_carry
from tams.media.lanes import Lane, LaneReader
from tams.media.samples import Sample, codec_name, translated
from tams.media.writing import Output, PacketTimes

MUXERS = {".mp4": "mp4", ".mov": "mov", ".ts": "mpegts", ".mkv": "matroska"}
"""The files that can be written, by the end of their names."""

Progress = Callable[[int], None]
"""Told how many nanoseconds of the file are written."""

_HIDES_PREROLL = frozenset({"mp4", "mov"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What was written."""

    path: Path
    duration: int
    """Nanoseconds from the first Segment's start to the last one's end."""
    samples: tuple[int, ...]
    """Packets written per lane."""
    priming: tuple[int, ...]
    """Per lane, audio samples at the beginning that players will decode beyond the Segments'."""
    lost_frames: int
    """Frames of partly used Objects that cannot be shown without re-encoding."""


def join(lanes: Sequence[Lane], out: Path, progress: Progress | None = None) -> Joined:
    """Write the lanes into `out`, whose name says the format (`MUXERS`); raise `MediaUnreadable`.

    The file appears when it is complete.
    """
    muxer = MUXERS.get(out.suffix.lower())
    if muxer is None:
        raise MediaUnreadable(f"{out}: the name must end in {', '.join(MUXERS)}")
    partial = out.with_name(f"{out.name}.part")
    try:
        with translated(out):
            joined = _Joint(lanes, muxer).write(partial, out, progress)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return joined


class _Joint:
    """All lanes of one file."""

    def __init__(self, lanes: Sequence[Lane], muxer: str) -> None:
        self._muxer = muxer
        self._readers = [LaneReader(lane) for lane in lanes]
        if not self._readers:
            raise MediaUnreadable("there is nothing to join")
        self._zero = min(reader.start for reader in self._readers)

    def write(self, partial: Path, out: Path, progress: Progress | None) -> Joined:
        with ExitStack() as stack:
            templates = [reader.template(stack) for reader in self._readers]
            for template in templates:
                if not can_carry(self._muxer, codec_name(template)):
                    held = (
                        f"{out.suffix} cannot hold {template.type} of codec {codec_name(template)}"
                    )
                    raise MediaUnreadable(f"{out}: {held}; choose .mov or .mkv")
            output = stack.enter_context(Output(partial, self._muxer, templates, self._options()))
            counts, end = self._copy(output, progress)
        return Joined(
            path=out,
            duration=to_ns(end - self._zero),
            samples=tuple(counts),
            priming=tuple(reader.priming(self._shown_from()) for reader in self._readers),
            lost_frames=sum(reader.lost for reader in self._readers),
        )

    def _copy(self, output: Output, progress: Progress | None) -> tuple[list[int], Fraction]:
        counts, end = [0] * len(self._readers), self._zero
        lanes = [self._numbered(lane) for lane in range(len(self._readers))]
        for _, lane, sample in heapq.merge(*lanes, key=lambda item: item[:2]):
            tick = output.ticks[lane]
            present = nearest(sample.time - self._zero, tick)
            decode = nearest(sample.decode_time - self._zero, tick)
            times = PacketTimes(present, decode, nearest(sample.duration, tick))
            output.write(lane, sample.packet, times)
            counts[lane] += 1
            end = max(end, sample.end)
            if progress is not None:
                progress(to_ns(end - self._zero))
        return counts, end

    def _numbered(self, lane: int) -> Iterator[tuple[Fraction, int, Sample]]:
        hides = self._muxer in _HIDES_PREROLL
        for sample in self._readers[lane].samples(self._zero, hides):
            yield sample.decode_time, lane, sample

    def _options(self) -> dict[str, str]:
        return {"max_delay": "700000"} if self._muxer == "mpegts" else {}

    def _shown_from(self) -> Fraction | None:
        return self._zero if self._muxer in _HIDES_PREROLL else None
