"""`tams export`: what is fetched, what is joined, and what is said, against a small store."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from tams.domain.timerange import SECOND, TimeRange, format_timestamp, parse_timestamp
from tests.clips import decode


def frames(path: Path) -> list[str]:
    return decode(path).frames


@pytest.fixture
def flows(store, tams, clip) -> dict[str, str]:
    """Ingest the clip; return the Flows' ids by format."""
    assert tams("ingest", str(clip("clip.mp4"))).exit_code == 0
    return {flow["format"].rsplit(":", 1)[-1]: id_ for id_, flow in store.flows.items()}


@pytest.mark.parametrize("suffix", ["mp4", "mov", "ts", "mkv"])
def test_a_flow_that_collects_others_gives_a_track_of_each(flows, tams, clip, tmp_path, suffix):
    out = tmp_path / f"out.{suffix}"
    result = tams("export", flows["multi"], str(out))
    assert (result.exit_code, result.stdout) == (0, f"{out}\n"), result.stderr
    assert frames(out) == frames(clip("clip.mp4"))
    with av.open(str(out)) as media:
        assert [stream.type for stream in media.streams] == ["video", "audio"]
    assert [file.name for file in tmp_path.iterdir()] == [out.name]
    assert ("codec priming" in result.stderr) == (suffix in {"ts", "mkv"})


def test_a_flow_of_one_track_gives_that_track(flows, tams, clip, tmp_path):
    out = tmp_path / "out.mp4"
    assert tams("export", flows["audio"], str(out)).exit_code == 0
    with av.open(str(out)) as media:
        assert [stream.type for stream in media.streams] == ["audio"]


def test_only_segments_that_overlap_are_fetched_and_joined(store, flows, tams, clip, tmp_path):
    """It trims to the Segments that overlap `--timerange`."""
    out = tmp_path / "out.mp4"
    asked = TimeRange.parse("[5:0_7:0)")
    store.downloads.clear()
    assert tams("export", flows["video"], str(out), "--timerange", str(asked)).exit_code == 0
    overlapping = [
        item
        for item in store.segments[flows["video"]]
        if TimeRange.parse(item["timerange"]).overlaps(asked)
    ]
    assert store.downloads == [item["object_id"] for item in overlapping]
    first = TimeRange.parse(overlapping[0]["timerange"]).start
    last = TimeRange.parse(overlapping[-1]["timerange"]).end
    whole = frames(clip("clip.mp4"))
    assert frames(out) == whole[first * 25 // SECOND : last * 25 // SECOND]


def test_an_object_used_twice_is_fetched_once_and_shown_twice(store, flows, tams, clip, tmp_path):
    """`tams export` honours `ts_offset`."""
    again = dict(store.segments[flows["video"]][0])
    before = TimeRange.parse(again["timerange"])
    again["timerange"] = str(before.shifted(20 * SECOND))
    offset = parse_timestamp(again.get("ts_offset", "0:0"))
    again["ts_offset"] = format_timestamp(offset + 20 * SECOND)
    store.segments[flows["video"]].append(again)
    store.downloads.clear()
    out = tmp_path / "out.mp4"
    assert tams("export", flows["video"], str(out)).exit_code == 0
    assert len(store.downloads) == len(set(store.downloads))
    whole = frames(clip("clip.mp4"))
    assert frames(out) == whole + whole[: (before.end - before.start) * 25 // SECOND]


def test_a_part_of_an_object_is_shown_in_part(store, flows, tams, clip, tmp_path):
    """`tams export` honours `ts_offset` and partial Objects."""
    first = store.segments[flows["video"]][0]
    held = TimeRange.parse(first["object_timerange"])
    part = TimeRange(held.start + SECOND // 5, held.start + SECOND)
    moved = TimeRange(30 * SECOND, 30 * SECOND + SECOND * 4 // 5)
    offset = format_timestamp(moved.start - part.start)
    asked = {"timerange": str(moved), "object_timerange": str(part), "ts_offset": offset}
    store.segments[flows["video"]].append(first | asked)
    out = tmp_path / "out.mp4"
    result = tams("export", flows["video"], str(out), "--timerange", str(moved))
    assert result.exit_code == 0, result.stderr
    assert frames(out) == frames(clip("clip.mp4"))[5:25]


def test_a_member_without_segments_there_is_left_out_and_named(store, flows, tams, tmp_path):
    store.segments[flows["audio"]].clear()
    result = tams("export", flows["multi"], str(tmp_path / "out.mp4"))
    assert result.exit_code == 0
    assert f"Flow {flows['audio']}: it has no Segments there" in result.stderr


def test_a_flow_of_objects_with_several_tracks_gives_them_all(store, tams, clip, tmp_path):
    file = clip("clip.mp4")
    store.objects["whole"] = file.read_bytes()
    store.flows["muxed"] = {
        "id": "muxed",
        "source_id": "s",
        "format": "urn:x-nmos:format:multi",
        "container": "video/mp4",
    }
    store.segments["muxed"] = [{"object_id": "whole", "timerange": "[0:0_20:0)"}]
    out = tmp_path / "out.mkv"
    result = tams("export", "muxed", str(out))
    assert result.exit_code == 0, result.stderr
    assert frames(out) == frames(file)
    with av.open(str(out)) as media:
        assert [stream.type for stream in media.streams] == ["video", "audio"]


OTHER_FILES = {
    "a.avi": {"video": "mpeg4", "audio": ("mp2",)},
    "a.flac": {"video": None, "audio": ("flac",)},
    "a.flv": {"audio": ("aac",)},
    "a.mkv": {"video": "libvpx-vp9", "audio": ("libopus",)},
    "a.mp3": {"video": None, "audio": ("libmp3lame",)},
    "a.mxf": {"video": "mpeg2video", "audio": ("pcm_s16le",)},
    "a.ogg": {"video": None, "audio": ("libopus",)},
    "a.vob": {"video": "mpeg2video", "audio": ("mp2",)},
    "a.wav": {"video": None, "audio": ("pcm_s16le",)},
}


@pytest.mark.parametrize("name", OTHER_FILES)
def test_any_file_that_can_be_demuxed_goes_in_and_out(store, tams, clip, tmp_path, name):
    """`tams ingest` opens any file PyAV can demux."""
    file = clip(name, seconds=4, **OTHER_FILES[name])
    assert tams("ingest", str(file)).exit_code == 0
    (multi,) = [id_ for id_, flow in store.flows.items() if flow["format"].endswith("multi")]
    original = decode(file)
    for suffix in ("mp4", "mkv"):
        out = tmp_path / f"out.{suffix}"
        result = tams("export", multi, str(out))
        assert result.exit_code == 0, result.stderr
        written = decode(out)
        assert written.frames == original.frames
        assert written.sample_counts.keys() == original.sample_counts.keys()
        for track, count in original.sample_counts.items():
            # Players may hear what pads the last packet, and in Matroska what primes the codec.
            assert 0 <= written.sample_counts[track] - count < 2 * 1152


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["unknown", "out.mp4"], "there is no Flow unknown"),
        (["{video}", "out.avi"], "OUT: the name must end in .mp4, .mov, .ts, .mkv, not "),
        (["{video}", "out.mp4", "--timerange", "()"], "FLOW: there is nothing to export"),
        (["{video}", "out.mp4", "--timerange", "[1:0_"], None),
        (["{video}", "out.mp4", "--timerange", "nonsense"], "--timerange: it must be a timerange"),
        (["{video}", "out.mp4", "--timerange", "[50:0_60:0)"], "it has no Segments there"),
        (["{video}", "no/folder/out.mp4"], "No such file or directory"),
    ],
)
def test_a_failure_is_one_line_and_leaves_no_file(flows, tams, tmp_path, arguments, said):
    flow, name, *options = arguments
    result = tams("export", flow.format(**flows), str(tmp_path / name), *options)
    if said is None:
        assert result.exit_code == 0
        return
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("tams: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_object_that_cannot_be_fetched_leaves_no_file(store, flows, tams, tmp_path):
    store.objects[store.segments[flows["video"]][1]["object_id"]] = None
    result = tams("export", flows["video"], str(tmp_path / "out.mp4"))
    assert result.exit_code == 1
    assert "no bytes" in result.stderr
    assert list(tmp_path.iterdir()) == []
