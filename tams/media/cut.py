"""Cutting one track of a file at its key frames into Objects, without re-encoding.

The Flow's timeline begins at `start` where the file begins; every track is moved by the same
amount. A time on it is `start` plus the exact distance from the file's beginning, rounded down to
the nanosecond once, so that neighbouring Segments meet exactly.

The clock of an MPEG-TS Object is the Flow's timeline at 90 kHz, modulo 2**33: each sample is at
`start` plus its distance from the file's beginning, both rounded to the nearest tick. `ts_offset`
is what takes the Object's first presented sample, read as floor(ticks * 10**5 / 9) nanoseconds, to
the beginning of the Segment: a multiple of the wrap, and less than a tick. Only a timeline that
begins in its first ten seconds is carried ten seconds late, so that decoding times, which come
before presentation, do not begin behind a wrap.

The clock of a fragmented MP4 Object is the Flow's timeline too, in the ticks of its track: whole
Flows play as one. Decoding times are not negative there, so a timeline that begins before its tenth
second is carried to begin at it.

The clock of any other Object begins at 0 with its first decoding time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.stream import Stream

from tams.domain.timerange import SECOND, TimeRange
from tams.errors import MediaUnreadable
from tams.media.clock import TS_CLOCK, WRAP, Unwrapper, nearest, to_ns, to_seconds
from tams.media.codecs import TRANSPORT_STREAM, Carrier
from tams.media.fragments import InitSegments, fragment_options
from tams.media.probe import Media, Track
from tams.media.samples import Sample, codec_name, open_media, read_samples, sampler_for, translated
from tams.media.writing import Output, PacketTimes

DEFAULT_DURATION = 2 * SECOND
"""Nanoseconds of an Object, unless asked otherwise."""

_LATE = 10 * SECOND

_TRANSPORT_OPTIONS = {
    "mpegts_copyts": "1",
    "avoid_negative_ts": "disabled",
    # One audio packet per PES, so that each one's time stamp is in the bytes.
    "pes_payload_size": "0",
    "max_delay": "700000",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CutObject:
    """An Object in a local file, and the Segment that puts it on the Flow's timeline."""

    path: Path
    size: int
    timerange: TimeRange
    object_timerange: TimeRange
    """On the Object's own clock; begins before the Segment where there is codec priming."""
    ts_offset: int
    last_duration: int
    key_frame_count: int | None
    """None for audio."""
    init: bytes | None
    """The init segment that it cannot be read without; None if it is complete in itself."""


def cut(
    media: Media,
    track: Track,
    folder: Path,
    *,
    start: int = 0,
    segment_duration: int = DEFAULT_DURATION,
) -> Iterator[CutObject]:
    """Yield the Objects of one track in order, each in a file of its own in `folder`.

    `start` and `segment_duration` are nanoseconds. An Object begins at the first key frame (for
    audio, the first packet) at or after each multiple of `segment_duration` from `start`. At most
    two files beyond those yielded exist at a time; the caller removes what it no longer needs.
    Raises `MediaUnreadable`.
    """
    if track.carrier is None:
        raise MediaUnreadable(f"{media.path}: track {track.index} ({track.codec}) cannot be cut")
    timeline = Timeline(media.origin, start)
    with translated(media.path), open_media(media.path) as container:
        stream = container.streams[track.index]
        unwrap = None if media.first_ticks is None else Unwrapper(media.first_ticks)
        samples = read_samples(container, sampler_for(stream, unwrap, track.period), track.index)
        studio = _Studio(track, stream, track.carrier, folder, timeline)
        yield from _finished(studio.objects(samples, to_seconds(segment_duration)), track)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Where a file lies on the timeline of its Flows."""

    origin: Fraction
    start: int

    def ns(self, time: Fraction) -> int:
        """Return where a moment of the file is on the timeline."""
        return self.start + to_ns(time - self.origin)

    @property
    def transport_ticks(self) -> int:
        """The 90 kHz tick at which the file begins, not yet wrapped."""
        late = _LATE if 0 <= self.start < _LATE else 0
        return nearest(to_seconds(self.start + late), TS_CLOCK)

    def fragment_ticks(self, tick: Fraction) -> int:
        """Return the tick at which the file begins in fragmented MP4."""
        return nearest(to_seconds(max(self.start, _LATE)), tick)


@dataclass(frozen=True, slots=True)
class _ObjectClock:
    """The clock of an Object: `begin` ticks at the moment `zero` of the file."""

    tick: Fraction
    zero: Fraction
    begin: int
    wraps: bool

    def ticks(self, time: Fraction) -> int:
        return self.begin + nearest(time - self.zero, self.tick)

    def written(self, time: Fraction) -> int:
        # Whole wraps do not change the 33 bits; one more keeps what the muxer sees above zero.
        lift = WRAP - self.begin // WRAP * WRAP if self.wraps else 0
        return self.ticks(time) + lift

    def wraps_before(self, ticks: int) -> int:
        return ticks // WRAP * WRAP if self.wraps else 0


class _Draft:
    """An Object while it is written, with what its Segment needs to know."""

    def __init__(
        self,
        path: Path,
        output: Output,
        clock: _ObjectClock,
        timeline: Timeline,
        inits: InitSegments | None,
    ) -> None:
        self.path = path
        self.first: Sample | None = None
        self.last: Sample | None = None
        self._output = output
        self._clock = clock
        self._timeline = timeline
        self._inits = inits
        self._keys = 0
        self._earliest: int | None = None

    def add(self, sample: Sample) -> None:
        written = self._clock.written
        duration = nearest(sample.duration, self._clock.tick)
        times = PacketTimes(written(sample.time), written(sample.decode_time), duration)
        self._keys += sample.packet.is_keyframe
        self._output.write(0, sample.packet, times)
        ticks = self._clock.ticks(sample.time)
        self._earliest = ticks if self._earliest is None else min(self._earliest, ticks)
        if sample.hidden:
            return
        if self.first is None or sample.shown < self.first.shown:
            self.first = sample
        if self.last is None or sample.time > self.last.time:
            self.last = sample

    def close(self) -> _Draft:
        self._output.close()
        return self

    def finished(self, first: Sample, last: Sample, end: Fraction, track: Track) -> CutObject:
        earliest = self._clock.ticks(first.time) if self._earliest is None else self._earliest
        skipped = self._clock.wraps_before(earliest)
        shown = (self._clock.ticks(first.time) - skipped) * self._clock.tick + first.priming
        start, end_ns = self._timeline.ns(first.shown), self._timeline.ns(end)
        offset = start - to_ns(shown)
        object_start = to_ns((earliest - skipped) * self._clock.tick)
        init = None if self._inits is None else self._inits.split(self.path)
        return CutObject(
            path=self.path,
            size=self.path.stat().st_size,
            timerange=TimeRange.of(start, end_ns),
            object_timerange=TimeRange.of(object_start, end_ns - offset),
            ts_offset=offset,
            last_duration=end_ns - self._timeline.ns(last.shown),
            key_frame_count=self._keys if track.kind == "video" else None,
            init=init,
        )


class _Studio:
    """Draws Objects from the Samples of one track."""

    def __init__(
        self, track: Track, stream: Stream, carrier: Carrier, folder: Path, timeline: Timeline
    ) -> None:
        self._track = track
        self._stream = stream
        self._carrier = carrier
        self._folder = folder
        self._timeline = timeline
        self._inits = InitSegments() if carrier.fragmented else None
        self._count = 0

    def objects(self, samples: Iterator[Sample], duration: Fraction) -> Iterator[_Draft]:
        """Yield each Object when it is complete."""
        draft: _Draft | None = None
        boundary = Fraction(0)
        early = (self._track.period or Fraction(0)) / 2
        for sample in samples:
            passed = sample.time - self._timeline.origin + early
            if draft is None or (sample.packet.is_keyframe and passed >= boundary):
                if draft is not None:
                    yield draft.close()
                draft = self._open(sample)
                boundary = max((passed // duration + 1) * duration, duration)
            draft.add(sample)
        if draft is not None:
            yield draft.close()

    def _open(self, sample: Sample) -> _Draft:
        name = f"{self._track.index}-{self._count:08}{self._carrier.extension}"
        self._count += 1
        path = self._folder / name
        output = Output(path, self._carrier.muxer, [self._stream], self._options())
        clock = self._clock(output.ticks[0], sample)
        return _Draft(path, output, clock, self._timeline, self._inits)

    def _options(self) -> dict[str, str]:
        if self._carrier is TRANSPORT_STREAM:
            return _TRANSPORT_OPTIONS
        return fragment_options(codec_name(self._stream)) if self._carrier.fragmented else {}

    def _clock(self, tick: Fraction, first: Sample) -> _ObjectClock:
        timeline = self._timeline
        if self._carrier is TRANSPORT_STREAM:
            return _ObjectClock(tick, timeline.origin, timeline.transport_ticks, wraps=True)
        if self._carrier.fragmented:
            begin = timeline.fragment_ticks(tick)
            return _ObjectClock(tick, timeline.origin, begin, wraps=False)
        return _ObjectClock(tick, first.decode_time, 0, wraps=False)


def _finished(drafts: Iterator[_Draft], track: Track) -> Iterator[CutObject]:
    """Give each Object the end of its Segment, which is known when the next one is complete."""
    waiting: tuple[_Draft, Sample, Sample] | None = None
    for draft in drafts:
        if draft.first is None or draft.last is None:
            draft.path.unlink()
            continue
        if waiting is not None:
            before, first, last = waiting
            yield before.finished(first, last, _end(last, draft.first, track), track)
        waiting = draft, draft.first, draft.last
    if waiting is not None:
        before, first, last = waiting
        yield before.finished(first, last, last.end, track)


def _end(last: Sample, following: Sample, track: Track) -> Fraction:
    """Meet the next Segment, unless whole samples are missing: a loss is to be seen."""
    regular = track.period or (last.duration if track.kind == "audio" else None)
    if regular and following.shown - last.end >= regular:
        return last.end
    return following.shown
