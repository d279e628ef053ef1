from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import av
import pytest

from tams.domain.timerange import SECOND, TimeRange
from tams.errors import MediaUnreadable
from tams.media.join import join
from tams.media.lanes import Lane, Piece
from tests.clips import decode
from tests.media.conftest import pieces

EXACT = [".mp4", ".mov"]
PRIMED = [".ts", ".mkv"]


def assert_plays_alike(source, result, joined, tracks):
    """Frames and their times are the source's, sounds too, but for the priming told."""
    if "video" in {track.kind for track in tracks}:
        assert result.frames == source.frames
        shifts = {a - b for a, b in zip(result.times, source.times, strict=True)}
        assert max(shifts) - min(shifts) <= Fraction(1, 1000)
    audio = [n for n, track in enumerate(tracks) if track.kind == "audio"]
    for number, lane in enumerate(audio):
        extra = joined.priming[lane]
        wanted = source.sounds[number]
        heard = result.sounds[number]
        assert result.sample_counts[number] == source.sample_counts[number] + extra
        assert heard[len(heard) - len(wanted) :] == wanted


@pytest.mark.parametrize("extension", EXACT + PRIMED)
def test_all_tracks_play_as_the_input(cutting, clip, tmp_path, extension):
    path = clip()
    cuts = cutting(path)
    joined = cuts.join(tmp_path / f"out{extension}")
    assert joined.duration == 20 * SECOND
    assert joined.samples == (500, 939)
    assert joined.lost_frames == 0
    assert joined.priming == ((0, 0) if extension in EXACT else (0, 1024))
    result = decode(joined.path)
    assert_plays_alike(decode(path), result, joined, cuts.media.tracks)
    if extension in EXACT:
        assert result.times == [Fraction(n, 25) for n in range(500)]


@pytest.mark.parametrize("extension", EXACT + PRIMED)
@pytest.mark.parametrize("number", [0, 1])
def test_each_track_alone_plays_as_the_input(cutting, clip, tmp_path, extension, number):
    path = clip()
    cuts = cutting(path, start=3 * SECOND)
    track = cuts.media.tracks[number]
    joined = cuts.join(tmp_path / f"out{extension}", track)
    assert_plays_alike(decode(path), decode(joined.path), joined, [track])


FILES = {
    "wrap within an Object": (".mp4", {"seconds": 8}, 95_440 * SECOND),
    "wrap between two Objects": (".mp4", {"seconds": 8}, 95_441 * SECOND + 130_000_000),
    "wrapped transport stream": (".ts", {"seconds": 12, "begins": "95437"}, 0),
    "wrapped transport stream that wraps again": (
        ".ts", {"seconds": 12, "begins": "95437"}, 95_440 * SECOND,
    ),
    "PCM": (".mov", {"seconds": 8, "audio": ("pcm_s16le",)}, 0),
    "24-bit PCM": (".mov", {"seconds": 8, "audio": ("pcm_s24le",)}, SECOND // 7),
    "no audio": (".mp4", {"seconds": 8, "audio": ()}, 0),
    "no video": (".mp4", {"seconds": 8, "video": None}, 0),
    "two audio tracks": (".mp4", {"seconds": 8, "audio": ("aac", "ac3")}, 0),
    "open GOPs": (".mp4", {"seconds": 8, "open_gop": True}, 0),
    "44.1 kHz": (".mp4", {"seconds": 8, "sample_rate": 44_100}, 95_440 * SECOND + 1),
    "29.97": (".mp4", {"seconds": 8, "rate": Fraction(30_000, 1001)}, 1),
    "23.976 in Matroska": (".mkv", {"seconds": 8, "rate": Fraction(24_000, 1001)}, 0),
    "missing frames": (".mp4", {"seconds": 8, "uneven": True}, 0),
    "MPEG-2": (".ts", {"seconds": 8, "video": "mpeg2video", "audio": ("ac3",)}, 0),
    "H.265": (".mp4", {"seconds": 4, "video": "libx265"}, 0),
    "ProRes": (".mov", {"seconds": 4, "video": "prores_ks", "audio": ("pcm_s16le",)}, 0),
    "before zero": (".mp4", {"seconds": 8}, -5 * SECOND),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_other_files_play_as_the_input(cutting, clip, tmp_path, name):
    extension, wishes, start = FILES[name]
    path = clip(extension, **wishes)
    cuts = cutting(path, start=start)
    joined = cuts.join(tmp_path / "out.mov")
    assert joined.priming == (0,) * len(cuts.media.tracks)
    assert_plays_alike(decode(path), decode(joined.path), joined, cuts.media.tracks)


def test_some_segments_give_their_frames(cutting, clip, tmp_path):
    path = clip()
    cuts = cutting(path)
    wanted = [
        o for o in cuts.of("video") if o.timerange.overlaps(TimeRange(5 * SECOND, 10 * SECOND))
    ]
    joined = join([Lane(pieces=pieces(wanted))], tmp_path / "out.mp4")
    first, last = (n * 25 // SECOND for n in (wanted[0].timerange.start, wanted[-1].timerange.end))
    assert first > 0
    assert decode(joined.path).frames == decode(path).frames[first:last]


def test_a_gap_stays_a_gap(cutting, clip, tmp_path):
    first, _, third, *_ = cutting(clip(audio=())).of("video")
    joined = join([Lane(pieces=pieces([first, third]))], tmp_path / "out.mp4")
    gap = Fraction(third.timerange.start - first.timerange.end, SECOND)
    times = decode(joined.path).times
    assert max(b - a for a, b in pairwise(times)) == gap + Fraction(1, 25)
    assert joined.duration == third.timerange.end


def part_of(item, start, end, moved=0):
    """Use frames `start` to `end` of an Object, later by `moved`."""
    return Piece(
        path=item.path,
        timerange=TimeRange(start + moved, end + moved),
        ts_offset=item.ts_offset + moved,
        object_timerange=item.object_timerange,
    )


def test_a_part_of_an_object_begins_at_its_frame_where_preroll_is_hidden(cutting, clip, tmp_path):
    path = clip(audio=())
    first, *_ = cutting(path).of("video")
    piece = part_of(first, 12 * SECOND // 25, 25 * SECOND // 25)
    joined = join([Lane(pieces=[piece])], tmp_path / "out.mp4")
    assert decode(joined.path).frames == decode(path).frames[12:25]
    assert joined.lost_frames == 0


def test_a_part_begins_at_a_key_frame_elsewhere_and_the_loss_is_told(cutting, clip, tmp_path):
    path = clip(audio=())
    first, second, *_ = cutting(path).of("video")
    assert first.timerange.end == 65 * SECOND // 25
    piece = part_of(first, 12 * SECOND // 25, 65 * SECOND // 25)
    for extension in PRIMED:
        joined = join([Lane(pieces=[piece])], tmp_path / f"out{extension}")
        assert decode(joined.path).frames == decode(path).frames[25:65]
        assert joined.lost_frames == 13
    start = second.timerange.end - 12 * SECOND // 25
    later = part_of(first, 12 * SECOND // 25, 65 * SECOND // 25, moved=start)
    joined = join([Lane(pieces=[*pieces([second]), later])], tmp_path / "out.mp4")
    assert joined.lost_frames == 13
    assert decode(joined.path).frames == decode(path).frames[65:130] + decode(path).frames[25:65]


def test_the_end_of_a_part_is_decodable(cutting, clip, tmp_path):
    path = clip(audio=())
    first, *_ = cutting(path).of("video")
    joined = join([Lane(pieces=[part_of(first, 0, 11 * SECOND // 25)])], tmp_path / "out.mp4")
    frames = decode(joined.path).frames
    assert frames == decode(path).frames[: len(frames)]
    assert len(frames) + joined.lost_frames == 11


def test_parts_of_pcm_are_exact_to_the_sample(cutting, clip, tmp_path):
    path = clip(".mov", seconds=8, audio=("pcm_s16le",))
    first, second, *_ = cutting(path).of("audio")
    rate = 48_000
    spans = [(first, 1_001, 50_003), (second, 100_007, 150_011)]
    placed, at = [], 0
    for item, start, end in spans:
        begin, finish = (-(-n * SECOND // rate) for n in (start, end))
        placed.append(part_of(item, begin, finish, moved=at - begin))
        at += finish - begin
    joined = join([Lane(pieces=placed)], tmp_path / "out.mov")
    whole = decode(path).sounds[0]
    wanted = b"".join(whole[start * 4 : end * 4] for _, start, end in spans)
    assert decode(joined.path).sounds[0] == wanted


def test_objects_may_be_used_again_in_another_order(cutting, clip, tmp_path):
    path = clip(audio=())
    first, second, *_ = cutting(path).of("video")
    length = second.timerange.end - second.timerange.start
    swapped = [
        part_of(second, second.timerange.start, second.timerange.end, -second.timerange.start),
        part_of(first, 0, first.timerange.end, length),
    ]
    joined = join([Lane(pieces=swapped)], tmp_path / "out.mp4")
    frames = decode(path).frames
    assert decode(joined.path).frames == frames[65:130] + frames[:65]


def test_a_track_of_a_shared_object_is_chosen_by_kind_or_number(clip, tmp_path):
    path = clip(".ts", seconds=4)
    piece = Piece(path=path, timerange=TimeRange(0, 10 * SECOND))
    source = decode(path)
    heard = join([Lane(pieces=[piece], kind="audio")], tmp_path / "audio.mov")
    seen = join([Lane(pieces=[piece], index=0)], tmp_path / "video.mov")
    assert decode(heard.path).sounds == source.sounds
    assert decode(seen.path).frames == source.frames
    with pytest.raises(MediaUnreadable, match="there is no audio 1"):
        join([Lane(pieces=[piece], kind="audio", index=1)], tmp_path / "none.mov")


def test_objects_are_asked_for_only_when_they_are_needed(cutting, clip, tmp_path):
    objects = cutting(clip(audio=())).of("video")
    asked, told = [], []

    def fetched():
        for piece in pieces(objects):
            asked.append(piece)
            yield piece

    join([Lane(pieces=fetched())], tmp_path / "out.ts", lambda ns: told.append((len(asked), ns)))
    assert told[0][0] == 1
    assert told == sorted(told)
    assert told[-1] == (len(objects), 20 * SECOND)


def test_what_cannot_be_joined_is_named_and_leaves_no_file(cutting, clip, tmp_path):
    pcm = cutting(clip(".mov", seconds=2, audio=("pcm_s16le",))).of("audio")
    video = cutting(clip(seconds=8)).of("video")
    out = tmp_path / "out.ts"
    with pytest.raises(MediaUnreadable, match=r"\.ts cannot hold audio of codec pcm_s16le"):
        join([Lane(pieces=pieces(pcm))], out)
    with pytest.raises(MediaUnreadable, match="pcm_s16le cannot follow h264"):
        join([Lane(pieces=pieces([video[0], *pcm]))], tmp_path / "out.mov")
    with pytest.raises(MediaUnreadable, match=r"must end in \.mp4, \.mov, \.ts, \.mkv"):
        join([Lane(pieces=pieces(video))], tmp_path / "out.avi")
    with pytest.raises(MediaUnreadable, match="no Segments"):
        join([Lane(pieces=[])], out)
    video[1].path.write_bytes(b"nothing")
    with pytest.raises(MediaUnreadable, match=video[1].path.name):
        join([Lane(pieces=pieces(video))], out)
    assert not [file for file in tmp_path.iterdir() if file.is_file()]


def test_a_track_that_begins_later_does_so_to_the_sample(cutting, clip, tmp_path):
    cuts = cutting(clip())
    later = cuts.of("audio")[1:]
    begins = later[0].timerange.start
    assert begins % 1_000_000
    lanes = [Lane(pieces=pieces(cuts.of("video"))), Lane(pieces=pieces(later))]
    joined = join(lanes, tmp_path / "out.mov")
    with av.open(str(joined.path)) as container:
        first = next(container.demux(audio=0))
    assert first.pts * first.time_base == Fraction(round(begins * 48_000 / SECOND), 48_000)


def test_leading_frames_without_their_references_are_left_out(cutting, clip, tmp_path):
    path = clip(open_gop=True, audio=())
    first, *_ = cutting(path, segment_duration=6 * SECOND).of("video")
    # The key frame 65 is followed by 62, 63 and 64, which refer to frames before it.
    part = part_of(first, 30 * SECOND // 25, first.timerange.end)
    joined = join([Lane(pieces=[part])], tmp_path / "out.ts")
    assert joined.lost_frames == 35
    assert (
        decode(joined.path).frames == decode(path).frames[65 : first.timerange.end * 25 // SECOND]
    )
