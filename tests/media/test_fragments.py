from __future__ import annotations

import struct
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import av
import pytest

from tams.domain.timerange import SECOND, TimeRange
from tams.errors import MediaUnreadable
from tams.media.cut import cut
from tams.media.fragments import InitSegments
from tams.media.join import join
from tams.media.lanes import Lane
from tams.media.probe import probe
from tests.boxes import boxes, find, samples
from tests.clips import decode
from tests.media.conftest import pieces, whole_file
from tests.media.test_cut import contiguous, whole
from tests.media.test_join import EXACT, FILES, PRIMED, assert_plays_alike

UNHELD = {"ProRes"}
"""Files whose video MP4 does not take."""


def floor_ns(seconds):
    return seconds.numerator * SECOND // seconds.denominator


def assert_boxes_agree(item):
    """The times in an Object's boxes plus ts_offset are those of its Segment."""
    written = samples(item.init, item.path.read_bytes())
    times = sorted(floor_ns(sample.present) for sample in written)
    assert times[0] == item.object_timerange.start
    shown = [time + item.ts_offset for time in times]
    wanted = [time for time in shown if time >= item.timerange.start]
    assert wanted[0] == item.timerange.start
    assert abs(item.timerange.end - item.last_duration - wanted[-1]) <= SECOND // 48_000 + 1
    assert item.object_timerange.end + item.ts_offset == item.timerange.end


def counted(init):
    """Return how many samples an init segment tells durations of."""
    stts = find(init, "stts")
    (entries,) = struct.unpack_from(">I", stts, 4)
    return sum(struct.unpack_from(">I", stts, 8 + 8 * n)[0] for n in range(entries))


def decoded_alone(item):
    with av.open(str(whole_file(item))) as container:
        return sum(1 for _ in container.decode(video=0))


def test_an_object_is_one_fragment_and_its_init_segment_apart(cutting, clip):
    cuts = cutting(clip(), fragmented=True)
    for objects in cuts.tracks.values():
        assert len({item.init for item in objects}) == 1
        assert boxes(objects[0].init) == ["ftyp", "moov"]
        assert counted(objects[0].init) == 0
        assert find(objects[0].init, "edts") is None
        for item in objects:
            assert boxes(item.path.read_bytes()) == ["styp", "moof", "mdat"]
            assert item.size == item.path.stat().st_size
    assert {track.carrier.mime_type for track in cuts.media.tracks} == {
        "video/iso.segment",
        "audio/iso.segment",
    }
    assert sum(map(decoded_alone, cuts.of("video"))) == 500


def test_segments_are_those_of_other_containers(cutting, clip):
    path = clip()
    transport, fragmented = cutting(path), cutting(path, fragmented=True)
    for index, objects in fragmented.tracks.items():
        assert [(item.timerange, item.last_duration, item.key_frame_count) for item in objects] == [
            (item.timerange, item.last_duration, item.key_frame_count)
            for item in transport.tracks[index]
        ]


STARTS = [0, -100 * SECOND, 7 * SECOND + 123_456_789, 95_440 * SECOND, 1_786_579_237 * SECOND + 1]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("extension", [".mp4", ".ts", ".mkv"])
def test_boxes_and_segments_agree_wherever_the_timeline_begins(cutting, clip, extension, start):
    cuts = cutting(clip(extension, seconds=6), fragmented=True, start=start)
    for objects in cuts.tracks.values():
        assert contiguous(objects)
        for item in objects:
            assert_boxes_agree(item)
    assert min(objects[0].timerange.start for objects in cuts.tracks.values()) == start


@pytest.mark.parametrize("start", [0, 95_440 * SECOND])
def test_the_objects_of_a_track_are_on_one_clock(cutting, clip, start):
    """Players that know nothing of `ts_offset` play the whole Flow, tracks in step."""
    cuts = cutting(clip(), fragmented=True, start=start)
    begins = []
    for objects in cuts.tracks.values():
        each = [samples(item.init, item.path.read_bytes()) for item in objects]
        for before, after in pairwise(each):
            assert before[-1].decode + before[-1].duration == after[0].decode
        assert max(item.ts_offset for item in objects) - min(i.ts_offset for i in objects) <= 1
        begins.append(objects[0].timerange.start - objects[0].ts_offset)
    assert max(begins) - min(begins) < SECOND // 48_000
    assert begins[0] == (start or 10 * SECOND)


def test_an_init_segment_and_the_objects_in_a_row_play_as_the_input(cutting, clip, tmp_path):
    path = clip()
    original, cuts = decode(path), cutting(path, fragmented=True)
    for kind in ("video", "audio"):
        objects = cuts.of(kind)
        parts = [objects[0].init, *(item.path.read_bytes() for item in objects)]
        (tmp_path / f"{kind}.mp4").write_bytes(b"".join(parts))
    seen = decode(tmp_path / "video.mp4")
    assert seen.frames == original.frames
    assert seen.times == [10 + Fraction(n, 25) for n in range(500)]
    # Without an edit list the priming is heard.
    assert decode(tmp_path / "audio.mp4").sounds[0][1024 * 4 :] == original.sounds[0]


def test_reordered_frames_are_decoded_before_they_are_presented(cutting, clip):
    first, *_ = cutting(clip(audio=()), fragmented=True).of("video")
    written = samples(first.init, first.path.read_bytes())
    assert all(sample.decode <= sample.present for sample in written)
    presented = [sample.present for sample in written]
    assert presented != sorted(presented)
    assert min(presented) == written[0].present == 10
    assert {b - a for a, b in pairwise(sorted(presented))} == {Fraction(1, 25)}


def test_priming_lies_in_the_object_and_not_in_the_segment(cutting, clip):
    first, second, *_ = cutting(clip(), fragmented=True).of("audio")
    priming = first.timerange.start - first.ts_offset - first.object_timerange.start
    assert priming == pytest.approx(1024 * SECOND / 48_000, abs=2)
    written = samples(first.init, first.path.read_bytes())
    assert floor_ns(written[0].present) == first.object_timerange.start
    assert second.object_timerange == second.timerange.shifted(-second.ts_offset)


def test_frame_times_of_a_coarse_clock_are_put_right(cutting, clip):
    rate = Fraction(30_000, 1001)
    (first, *_) = cutting(clip(".mkv", rate=rate, audio=()), fragmented=True).of("video")
    written = samples(first.init, first.path.read_bytes())
    times = sorted(sample.present for sample in written)
    assert {b - a for a, b in pairwise(times)} == {1 / rate}


@pytest.mark.parametrize("extension", EXACT + PRIMED)
def test_all_tracks_play_as_the_input(cutting, clip, tmp_path, extension):
    path = clip()
    cuts = cutting(path, fragmented=True)
    joined = cuts.join(tmp_path / f"out{extension}")
    assert joined.duration == 20 * SECOND
    assert joined.samples == (500, 939)
    assert joined.lost_frames == 0
    assert joined.priming == ((0, 0) if extension in EXACT else (0, 1024))
    result = decode(joined.path)
    assert_plays_alike(decode(path), result, joined, cuts.media.tracks)
    if extension in EXACT:
        assert result.times == [Fraction(n, 25) for n in range(500)]


@pytest.mark.parametrize("name", sorted(FILES.keys() - UNHELD))
def test_other_files_play_as_the_input(cutting, clip, tmp_path, name):
    extension, wishes, start = FILES[name]
    path = clip(extension, **wishes)
    cuts = cutting(path, fragmented=True, start=start)
    joined = cuts.join(tmp_path / "out.mov")
    assert joined.priming == (0,) * len(cuts.media.tracks)
    assert_plays_alike(decode(path), decode(joined.path), joined, cuts.media.tracks)
    for objects in cuts.tracks.values():
        assert len({item.init for item in objects}) == 1
        assert counted(objects[0].init) == 0


def test_what_mp4_does_not_take_has_no_carrier(clip):
    extension, wishes, _ = FILES["ProRes"]
    video, audio = probe(clip(extension, **wishes), fragmented=True).tracks
    assert video.carrier is None
    assert audio.carrier is not None


def test_some_segments_give_their_frames(cutting, clip, tmp_path):
    path = clip()
    asked = TimeRange(5 * SECOND, 10 * SECOND)
    wanted = [o for o in cutting(path, fragmented=True).of("video") if o.timerange.overlaps(asked)]
    joined = join([Lane(pieces=pieces(wanted))], tmp_path / "out.mp4")
    held = whole(wanted)
    first, last = held.start * 25 // SECOND, held.end * 25 // SECOND
    assert first > 0
    assert decode(joined.path).frames == decode(path).frames[first:last]


def test_parts_of_objects_are_exact(cutting, clip, tmp_path):
    """Frames from within a group of pictures, and sound to the sample."""
    path = clip(".mov", seconds=8, audio=("pcm_s16le",))
    cuts = cutting(path, fragmented=True)
    original = decode(path)
    seen = pieces(cuts.of("video"))[0]
    seen = replace(seen, timerange=TimeRange(12 * SECOND // 25, SECOND))
    joined = join([Lane(pieces=[seen])], tmp_path / "video.mp4")
    assert decode(joined.path).frames == original.frames[12:25]
    begin, end = (-(-n * SECOND // 48_000) for n in (1_001, 50_003))
    heard = replace(pieces(cuts.of("audio"))[0], timerange=TimeRange(begin, end))
    joined = join([Lane(pieces=[heard])], tmp_path / "audio.mov")
    assert decode(joined.path).sounds[0] == original.sounds[0][1_001 * 4 : 50_003 * 4]


def test_another_init_segment_of_the_same_coding_is_joined(cutting, clip, tmp_path):
    path = clip(audio=())
    video = cutting(path, fragmented=True).of("video")
    brand = video[0].init.replace(b"iso5", b"iso6", 1)
    assert brand != video[0].init
    later = [replace(item, init=brand) for item in video[3:]]
    joined = join([Lane(pieces=pieces([*video[:3], *later]))], tmp_path / "out.mp4")
    assert decode(joined.path).frames == decode(path).frames


def test_another_coding_is_refused_and_where_it_begins_is_told(cutting, clip, tmp_path):
    video = cutting(clip(audio=()), fragmented=True).of("video")
    media = probe(clip(audio=(), rate=Fraction(50)), fragmented=True)
    other, *_ = cut(media, media.tracks[0], tmp_path)
    later = replace(other, timerange=video[1].timerange)
    assert video[0].init != later.init
    with pytest.raises(MediaUnreadable, match=r"h264 64/48 .* cannot follow h264 .* 2:600000000"):
        join([Lane(pieces=pieces([video[0], later]))], tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


def test_a_file_without_a_fragment_is_named(tmp_path):
    path = tmp_path / "empty.mp4"
    path.write_bytes(b"\0\0\0\x08ftyp")
    with pytest.raises(MediaUnreadable, match=r"empty\.mp4: no fragment was written"):
        InitSegments().split(path)
