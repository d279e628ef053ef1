from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import av
import pytest

from tams.domain.timerange import SECOND, TimeRange
from tams.errors import MediaUnreadable
from tams.media.cut import cut
from tams.media.probe import probe
from tests.clips import transport_times

WRAP = 1 << 33


def contiguous(objects):
    return all(a.timerange.end == b.timerange.start for a, b in pairwise(objects))


def whole(objects):
    return TimeRange(objects[0].timerange.start, objects[-1].timerange.end)


def ticks_to_ns(ticks):
    return ticks * 10**9 // 90_000


def unwrapped(times):
    """Read time stamps as a client does: a drop from near the maximum adds a wrap."""
    lifted = []
    for time in times:
        lifted.append(time + WRAP * round((lifted[-1] - time) / WRAP) if lifted else time)
    return lifted


def assert_bytes_agree(item):
    """The times in an Object's bytes plus ts_offset are those of its Segment."""
    times = unwrapped(transport_times(item.path.read_bytes()))
    assert ticks_to_ns(min(times)) == item.object_timerange.start
    shown = [ticks_to_ns(time) + item.ts_offset for time in times]
    wanted = sorted(time for time in shown if time >= item.timerange.start)
    assert wanted[0] == item.timerange.start
    assert abs(item.timerange.end - item.last_duration - wanted[-1]) <= 1
    assert item.object_timerange.end + item.ts_offset == item.timerange.end


def test_objects_begin_at_key_frames_and_meet(cutting, clip):
    cuts = cutting(clip(), segment_duration=2 * SECOND)
    video, audio = cuts.of("video"), cuts.of("audio")
    assert whole(video) == whole(audio) == TimeRange(0, 20 * SECOND)
    assert contiguous(video)
    assert contiguous(audio)
    assert sum(item.key_frame_count for item in video) == 16
    assert {item.key_frame_count for item in audio} == {None}
    for item in video:
        assert item.timerange.start % (SECOND // 25) == 0
        assert item.size == item.path.stat().st_size
        assert_bytes_agree(item)
    for item in audio:
        assert item.timerange.end - item.timerange.start < 2.1 * SECOND
        assert_bytes_agree(item)


def test_every_object_can_be_decoded_alone(cutting, clip):
    count = 0
    for item in cutting(clip()).of("video"):
        with av.open(str(item.path)) as container:
            count += sum(1 for _ in container.decode(video=0))
    assert count == 500


def test_frame_times_follow_the_rule_at_29_97(cutting, clip):
    period = Fraction(1001, 30_000)
    starts = {n * 1001 * 10**9 // 30_000 for n in range(700)}
    for extension in (".mp4", ".mkv", ".ts"):
        video = cutting(clip(extension, rate=1 / period, audio=())).of("video")
        assert {item.timerange.start for item in video} <= starts
        assert contiguous(video)


@pytest.mark.parametrize("start", [0, 7 * SECOND + 123_456_789, 95_440 * SECOND, -100 * SECOND])
@pytest.mark.parametrize("extension", [".mp4", ".ts", ".mkv"])
def test_bytes_and_segments_agree_wherever_the_timeline_begins(cutting, clip, extension, start):
    cuts = cutting(clip(extension, seconds=6), start=start)
    assert min(objects[0].timerange.start for objects in cuts.tracks.values()) == start
    for objects in cuts.tracks.values():
        assert contiguous(objects)
        for item in objects:
            assert_bytes_agree(item)


def wrapping(objects):
    times = [transport_times(item.path.read_bytes()) for item in objects]
    within = [max(t) - min(t) > WRAP // 2 for t in times]
    between = [
        max(a) - min(b) > WRAP // 2 and not (here or there)
        for a, b, here, there in zip(times, times[1:], within, within[1:], strict=False)
    ]
    return any(within), any(between)


def test_a_wrap_within_an_object(cutting, clip):
    video = cutting(clip(seconds=8), start=95_440 * SECOND).of("video")
    assert wrapping(video) == (True, False)
    assert len({item.ts_offset for item in video}) > 1
    assert contiguous(video)
    for item in video:
        assert_bytes_agree(item)


def test_a_wrap_between_two_objects(cutting, clip):
    # The second Object begins at 2.6 s, and the wrap, at 95443.7177 s, one frame before.
    video = cutting(clip(seconds=8), start=95_441 * SECOND + 130_000_000).of("video")
    assert wrapping(video) == (False, True)
    offsets = [item.ts_offset for item in video]
    assert abs(offsets[0]) < 11_112
    assert abs(offsets[-1] - ticks_to_ns(WRAP)) < 11_112
    for item in video:
        assert_bytes_agree(item)


@pytest.mark.parametrize("begins", ["95436", "95443"])
def test_a_transport_stream_whose_own_time_stamps_wrap(cutting, clip, begins):
    cuts = cutting(clip(".ts", seconds=12, begins=begins))
    video, audio = cuts.of("video"), cuts.of("audio")
    assert contiguous(video)
    assert contiguous(audio)
    assert 11.9 * SECOND < whole(video).end < 12.1 * SECOND
    assert min(whole(video).start, whole(audio).start) == 0


def test_priming_lies_in_the_object_and_not_in_the_segment(cutting, clip):
    first, second, *_ = cutting(clip()).of("audio")
    priming = first.timerange.start - first.ts_offset - first.object_timerange.start
    assert priming == pytest.approx(1024 * SECOND / 48_000, abs=2)
    assert second.object_timerange == second.timerange.shifted(-second.ts_offset)


def test_an_open_gop_begins_with_its_leading_frames(cutting, clip):
    path = clip(open_gop=True)
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.pts is not None]
    leading = [
        (a.pts, b.pts) for a, b in pairwise(packets)
        if a.is_keyframe and b.pts < a.pts
    ]  # fmt: skip
    assert leading
    video = cutting(path).of("video")
    assert contiguous(video)
    for item in video:
        assert_bytes_agree(item)
        with av.open(str(item.path)) as container:
            first = next(container.demux(video=0))
        assert first.is_keyframe
        assert b"\0\0\1\x67" in bytes(first)


def test_pcm_objects_count_from_zero(cutting, clip):
    audio = cutting(clip(".mov", seconds=6, audio=("pcm_s16le",)), start=5 * SECOND).of("audio")
    assert {item.path.suffix for item in audio} == {".mov"}
    assert {item.object_timerange.start for item in audio} == {0}
    assert whole(audio) == TimeRange(5 * SECOND, 11 * SECOND)
    for item in audio:
        with av.open(str(item.path)) as container:
            first, *rest = (p for p in container.demux(audio=0) if p.pts is not None)
            last = rest[-1] if rest else first
            assert first.pts == 0
            end = (last.pts + last.duration) * last.time_base
            assert int(end * SECOND) == pytest.approx(item.object_timerange.end, abs=1)


def test_objects_are_written_one_at_a_time(clip, tmp_path):
    media = probe(clip())
    for item in cut(media, media.tracks[0], tmp_path):
        assert len(list(tmp_path.iterdir())) <= 3
        item.path.unlink()
    assert not list(tmp_path.iterdir())


def test_the_same_file_gives_the_same_bytes(clip, tmp_path):
    media = probe(clip(seconds=4))
    contents = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        contents.append([i.path.read_bytes() for t in media.tracks for i in cut(media, t, folder)])
    assert contents[0] == contents[1]


def test_a_loss_shows_as_a_gap(clip, tmp_path):
    source, lossy = clip(".ts", seconds=6, video=None), tmp_path / "lossy.ts"
    with av.open(str(source)) as container, av.open(str(lossy), "w", format="mpegts") as output:
        track = container.streams[0]
        copy = output.add_stream_from_template(track)
        for packet in container.demux(track):
            if packet.pts is not None and not 2 < (packet.pts - track.start_time) / 90_000 < 4:
                packet.stream = copy
                output.mux(packet)
    media = probe(lossy)
    first, second, *_ = cut(media, media.tracks[0], tmp_path)
    assert 1.9 * SECOND < second.timerange.start - first.timerange.end < 2.1 * SECOND


def test_a_track_without_a_carrier_is_refused(clip, tmp_path):
    media = probe(clip(seconds=4))
    with pytest.raises(MediaUnreadable, match=r"track 0 \(video/h264\) cannot be cut"):
        list(cut(media, replace(media.tracks[0], carrier=None), tmp_path))
