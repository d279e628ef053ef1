"""Which samples of an Object belong to a Segment, and which of those can be shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from av.packet import Packet
from av.stream import Stream

from tams.media.samples import Sample

_AUDIO_PREROLL = Fraction(1, 10)
"""Seconds before the first Segment from which audio decoders may need packets."""


@dataclass(slots=True)
class Window:
    """What is wanted of an Object: times are seconds on the timeline, give or take `slack`."""

    start: Fraction
    end: Fraction
    slack: Fraction
    opens: bool
    """Whether the file begins here."""
    preroll: bool
    """Whether frames before `start` may be kept, since the container hides them."""
    lost: int = 0
    """Wanted frames that could not be decoded without others that are not wanted."""

    def before(self, time: Fraction) -> bool:
        """Whether a sample at this time comes too early."""
        return time < self.start - self.slack

    def after(self, time: Fraction) -> bool:
        """Whether a sample at this time comes too late."""
        return time >= self.end - self.slack

    def wants(self, time: Fraction) -> bool:
        """Whether a sample at this time is in the Segment."""
        return not self.before(time) and not self.after(time)


def video_frames(samples: Iterable[Sample], window: Window) -> Iterator[Sample]:
    """Yield the frames to keep, in decoding order.

    Without preroll, frames before the first wanted key frame are left out, and frames that come
    after one that is beyond the end, since they may refer to it.
    """
    started, skipped, complete = window.preroll, False, False
    entry: Fraction | None = None
    for sample in samples:
        complete = complete or window.after(sample.time)
        wanted = window.wants(sample.time)
        if not started and sample.packet.is_keyframe and wanted:
            started = True
            entry = sample.time if skipped else None
        orphaned = entry is not None and sample.time < entry
        if started and not complete and not orphaned:
            yield sample
            continue
        skipped = True
        window.lost += wanted


def audio_packets(samples: Iterable[Sample], window: Window) -> Iterator[Sample]:
    """Yield the packets to keep; where the file begins, also those that prime the decoder."""
    margin = _AUDIO_PREROLL if window.opens else Fraction(0)
    for sample in samples:
        if not window.before(sample.time + margin) and not window.after(sample.time):
            yield sample


def pcm_packets(
    samples: Iterable[Sample], window: Window, rate: int, frame_bits: int
) -> Iterator[Sample]:
    """Yield exactly the wanted samples, cutting packets where needed."""
    for sample in samples:
        head = max(-((sample.time - window.start) * rate + Fraction(1, 2)).__floor__(), 0)
        tail = max(((sample.end - window.end) * rate + Fraction(1, 2)).__floor__(), 0)
        count = sample.packet.size * 8 // frame_bits
        if head + tail >= count:
            continue
        if head or tail:
            size = frame_bits // 8
            data = bytes(sample.packet)[head * size : (count - tail) * size]
            time = sample.time + Fraction(head, rate)
            duration = Fraction(count - head - tail, rate)
            packet: Packet[Stream] = Packet(data)
            packet.is_keyframe = True
            sample = replace(sample, packet=packet, time=time, decode_time=time, duration=duration)
        yield sample
