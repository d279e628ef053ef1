"""From when to when one track of a file is presented."""

from __future__ import annotations

from dataclasses import dataclass

from tams.domain.timerange import TimeRange
from tams.errors import MediaUnreadable
from tams.media.clock import Unwrapper, to_ns
from tams.media.probe import Media, Track
from tams.media.samples import Sample, open_media, read_samples, sampler_for, translated


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """All that is presented of a track, on the file's own clock."""

    timerange: TimeRange
    last_duration: int
    """Nanoseconds of the last sample."""
    key_frame_count: int | None
    """None for audio."""


def extent(media: Media, track: Track) -> Extent:
    """Read a track through, without decoding it; raises `MediaUnreadable` if nothing is shown."""
    first: Sample | None = None
    last: Sample | None = None
    keys = 0
    with translated(media.path), open_media(media.path) as container:
        unwrap = None if media.first_ticks is None else Unwrapper(media.first_ticks)
        sampler = sampler_for(container.streams[track.index], unwrap, track.period)
        for sample in read_samples(container, sampler, track.index):
            keys += sample.packet.is_keyframe
            if sample.hidden:
                continue
            if first is None or sample.shown < first.shown:
                first = sample
            if last is None or sample.time > last.time:
                last = sample
    if first is None or last is None or last.end <= first.shown:
        raise MediaUnreadable(f"{media.path}: track {track.index} has no duration")
    end = to_ns(last.end)
    return Extent(
        timerange=TimeRange.of(to_ns(first.shown), end),
        last_duration=end - to_ns(last.shown),
        key_frame_count=keys if track.kind == "video" else None,
    )
