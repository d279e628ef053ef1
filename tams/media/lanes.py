"""Segments of one track, read from their Objects and put on their timeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Literal

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream

from tams.domain.timerange import SECOND, TimeRange, format_timestamp
from tams.errors import MediaUnreadable
from tams.media.clock import TS_CLOCK, SampleChain, Unwrapper, nearest, to_seconds
from tams.media.samples import (
    Coding,
    Sample,
    coding_of,
    open_media,
    pcm_frame_bits,
    read_samples,
    sampler_for,
    tick_of,
    translated,
    wraps,
)
from tams.media.trim import Window, audio_packets, pcm_packets, video_frames

_NANOSECOND = Fraction(1, SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A Segment, with its Object in a local file."""

    path: Path
    timerange: TimeRange
    ts_offset: int = 0
    object_timerange: TimeRange | None = None
    """None stands for `timerange` less `ts_offset`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One track to write: Segments in order, fetched as they are needed.

    The track is number `index` of those in each Object, or of its tracks of that `kind`.
    """

    pieces: Iterable[Piece]
    kind: Literal["video", "audio"] | None = None
    index: int = 0


class LaneReader:
    """Reads a lane once, from its first Segment to its last."""

    def __init__(self, lane: Lane) -> None:
        pieces = iter(lane.pieces)
        first = next(pieces, None)
        if first is None:
            raise MediaUnreadable("a track has no Segments to join")
        self._lane = lane
        self._first = first
        self._pieces = chain((first,), pieces)
        self._coding: Coding | None = None
        self._chain: SampleChain | None = None
        self._begins: Fraction | None = None
        self._rate = 0
        self.start = to_seconds(_bounds(first)[0])
        self.lost = 0

    def template(self, stack: ExitStack) -> Stream:
        """Return the track of the first Object, open until the stack is left."""
        with translated(self._first.path):
            container = stack.enter_context(open_media(self._first.path))
            stream = self._stream(container)
        self._coding = coding_of(container, stream)
        self._rate = stream.codec_context.sample_rate if isinstance(stream, AudioStream) else 0
        return stream

    def samples(self, zero: Fraction, hides_preroll: bool) -> Iterator[Sample]:
        """Yield what is wanted of each Segment, in decoding order, in seconds of the timeline."""
        for piece in self._pieces:
            opens = piece is self._first
            with translated(piece.path), open_media(piece.path) as container:
                start, end = map(to_seconds, _bounds(piece))
                slack = TS_CLOCK if wraps(container) else tick_of(self._stream(container)) / 2
                hidden = opens and hides_preroll and start <= zero + slack
                window = Window(start, end, slack, opens, hidden)
                for sample in self._wanted(container, piece, window):
                    if self._begins is None:
                        self._begins = sample.time
                    _stretch(sample, end)
                    yield sample
                self.lost += window.lost

    def priming(self, shown_from: Fraction | None) -> int:
        """Return the audio samples before the first Segment that are not hidden.

        A container hides what is before `shown_from`; None if it hides nothing.
        """
        if self._begins is None:
            return 0
        begins = self._begins if shown_from is None else max(self._begins, shown_from)
        return max(nearest(self.start - begins, Fraction(1, self._rate)), 0) if self._rate else 0

    def _wanted(self, container: InputContainer, piece: Piece, window: Window) -> Iterator[Sample]:
        stream = self._stream(container)
        self._check(coding_of(container, stream), piece)
        samples = self._placed(container, stream, piece)
        if not isinstance(stream, AudioStream):
            return video_frames(samples, window)
        bits = pcm_frame_bits(stream)
        if bits is None:
            return audio_packets(samples, window)
        return pcm_packets(samples, window, stream.codec_context.sample_rate, bits)

    def _check(self, coding: Coding, piece: Piece) -> None:
        before = self._coding
        if before is None or coding == before:
            return
        if coding.codec != before.codec:
            raise MediaUnreadable(
                f"{piece.path}: {coding.codec} cannot follow {before.codec} in one track"
            )
        raise MediaUnreadable(
            f"{piece.path}: {coding} cannot follow {before} in one track; what is before and after "
            f"{format_timestamp(_bounds(piece)[0])} must be joined apart"
        )

    def _placed(self, container: InputContainer, stream: Stream, piece: Piece) -> Iterator[Sample]:
        tick = tick_of(stream)
        unwrap = Unwrapper(_object_start(piece, tick)) if wraps(container) else None
        offset = to_seconds(piece.ts_offset)
        for sample in read_samples(container, sampler_for(stream, unwrap), stream.index):
            sample.time += offset
            sample.decode_time += offset
            if isinstance(stream, AudioStream):
                sample.time = sample.decode_time = self._chained(sample, tick)
            yield sample

    def _chained(self, sample: Sample, tick: Fraction) -> Fraction:
        if self._chain is None:
            self._chain = SampleChain(tick + 2 * _NANOSECOND)
        return self._chain.place(sample.time, sample.duration)

    def _stream(self, container: InputContainer) -> Stream:
        of_kind = [s for s in container.streams if self._lane.kind in {None, s.type}]
        if self._lane.index >= len(of_kind):
            raise MediaUnreadable(
                f"{container.name}: there is no {self._lane.kind or 'track'} {self._lane.index}"
            )
        return of_kind[self._lane.index]


def _bounds(piece: Piece) -> tuple[int, int]:
    start, end = piece.timerange.start, piece.timerange.end
    if start is None or end is None:
        raise MediaUnreadable(f"{piece.path}: a Segment's timerange {piece.timerange} has no end")
    return start, end


def _object_start(piece: Piece, tick: Fraction) -> int:
    known = piece.object_timerange
    start = _bounds(piece)[0] - piece.ts_offset
    if known is not None and known.start is not None:
        start = known.start
    return nearest(to_seconds(start), tick)


def _stretch(sample: Sample, end: Fraction) -> None:
    # An Object does not say how long its last sample lasts; the Segment does.
    if 0 < end - sample.time < sample.duration * 3 / 2:
        sample.duration = end - sample.time
