"""`tams ingest`: ids, resumption, options and failures, against a small store."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest

from tams.domain.timerange import SECOND, TimeRange, parse_timestamp


def by_format(store) -> dict[str, dict]:
    return {flow["format"].rsplit(":", 1)[-1]: flow for flow in store.flows.values()}


def envelope(store, flow) -> TimeRange:
    held = [TimeRange.parse(item["timerange"]) for item in store.segments[flow["id"]]]
    assert [item.end for item in held[:-1]] == [item.start for item in held[1:]]
    return TimeRange(held[0].start, held[-1].end)


def test_each_track_is_a_flow_and_a_multi_flow_collects_them(store, tams, clip):
    """One mono-essence Flow per track, and a multi-essence Flow that collects them.

    It sets bit rates and `codec_parameters`; `--start` defaults to `0:0`.
    """
    file = clip("clip.mp4")
    result = tams("ingest", str(file))
    assert result.exit_code == 0, result.stderr
    flows = by_format(store)
    assert set(flows) == {"video", "audio", "multi"}
    video, audio, multi = flows["video"], flows["audio"], flows["multi"]
    members = [item["id"] for item in multi["flow_collection"]]
    assert members == [video["id"], audio["id"]]
    assert "container" not in multi
    assert multi["id"] not in store.segments
    assert video["codec"] == "video/h264"
    assert audio["codec"] == "audio/aac"
    assert video["container"] == audio["container"] == "video/mp2t"
    assert set(video["essence_parameters"]["avc_parameters"]) == {"profile", "level", "flags"}
    assert audio["essence_parameters"]["codec_parameters"]["mp4_oti"] == 2
    assert video["essence_parameters"]["frame_rate"] == {"numerator": 25, "denominator": 1}
    assert envelope(store, video) == TimeRange(0, 20 * SECOND)
    for flow in (video, audio):
        assert 0 < flow["avg_bit_rate"] <= flow["max_bit_rate"]
        sizes = sum(len(store.objects[item["object_id"]]) for item in store.segments[flow["id"]])
        length = envelope(store, flow)
        exact = sizes * 8 * SECOND / (length.end - length.start) / 1000
        assert flow["avg_bit_rate"] - 1 < exact <= flow["avg_bit_rate"]


def test_several_objects_are_uploaded_at_once(store, tams, clip):
    # One Object by itself would wait in vain for a second one.
    store.uploads_meet = asyncio.Barrier(2)
    result = tams("ingest", str(clip("clip.mp4")), "--segment-duration", "3")
    assert result.exit_code == 0


def test_segments_are_registered_in_bulk(store, tams, clip):
    tams("ingest", str(clip("clip.mp4")))
    assert sum(store.batches) == sum(map(len, store.segments.values())) > 10
    # One request for each Flow that has Segments.
    assert len(store.batches) == len(store.segments) == 2


def test_the_same_file_again_adds_nothing(store, tams, clip, tmp_path):
    """Same file, same ids: UUIDv5 of content and track."""
    tams("ingest", str(clip("clip.mp4")))
    assert {UUID(flow_id).version for flow_id in store.flows} == {5}
    before = (store.flows.copy(), dict(store.segments), store.uploads, store.flow_puts)
    # The content decides, not the name.
    copy = tmp_path / "other.mp4"
    copy.write_bytes(clip("clip.mp4").read_bytes())
    result = tams("ingest", str(copy), "--label", "another")
    assert "0 of " in result.stdout
    assert (store.flows, store.segments, store.uploads, store.flow_puts) == before


@pytest.mark.parametrize("uploads", [0, 1, 5])
def test_an_interrupted_ingest_goes_on_without_duplicates(store, tams, clip, uploads, monkeypatch):
    monkeypatch.setattr("tams.client.ingest.BATCH", 4)
    file = str(clip("clip.mp4"))
    store.refuse_uploads_after = uploads
    result = tams("ingest", file, "--start", "now")
    assert result.exit_code == 1
    assert result.stderr == "tams: the disk is full\n"
    kept = sum(map(len, store.segments.values()))
    store.refuse_uploads_after = None
    assert tams("ingest", file, "--start", "now").exit_code == 0
    video = by_format(store)["video"]
    whole = envelope(store, video)
    assert whole.start == parse_timestamp(video["tags"]["ingest_start"])
    assert whole.end - whole.start == 20 * SECOND
    objects = [item["object_id"] for flow in store.segments.values() for item in flow]
    assert len(objects) == len(set(objects)) >= kept
    assert (kept > 0) == (uploads >= 4)


@pytest.mark.parametrize("lost", ["video", "audio", "multi"])
def test_a_flow_that_was_deleted_comes_back_where_it_was(store, tams, clip, lost):
    file = str(clip("clip.mp4"))
    tams("ingest", file, "--start", "now")
    before = by_format(store)
    store.segments.pop(before[lost]["id"], None)
    del store.flows[before[lost]["id"]]
    assert tams("ingest", file, "--start", "now").exit_code == 0
    assert by_format(store) == before


def test_ctrl_c_leaves_what_the_same_command_completes(store, tams, clip):
    file = str(clip("clip.mp4"))
    store.stall_uploads_after = 3
    command = [str(Path(sys.executable).with_name("tams")), "ingest", file, "--url", store.url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert store.stalled.wait(60)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "tams: interrupted; the same command goes on where this one stopped\n"
    store.stall_uploads_after = None
    assert tams("ingest", file).exit_code == 0
    assert envelope(store, by_format(store)["video"]) == TimeRange(0, 20 * SECOND)
    assert len(by_format(store)) == 3


def test_label_source_label_and_tags(store, tams, clip):
    file = str(clip("clip.mp4"))
    tags = ["--tag", "genre=news", "--tag", "genre=local", "--tag", "note=a=b"]
    tams("ingest", file, "--label", "Bulletin", "--source-label", "News", *tags)
    flows = by_format(store)
    assert flows["multi"]["label"] == "Bulletin"
    assert flows["video"]["label"].startswith("Bulletin ")
    assert store.sources[flows["multi"]["source_id"]]["label"] == "News"
    for flow in flows.values():
        assert flow["tags"]["genre"] == ["news", "local"]
        assert flow["tags"]["note"] == "a=b"


def test_without_a_label_the_name_of_the_file_is_shown(store, tams, clip):
    tams("ingest", str(clip("clip.mp4")))
    assert by_format(store)["multi"]["label"] == "clip.mp4"


def test_segment_duration(store, tams, clip):
    """Objects of about the asked length, cut at key frames."""
    tams("ingest", str(clip("clip.mp4")), "--segment-duration", "2.5")
    video = by_format(store)["video"]
    assert video["segment_duration"] == {"numerator": 5, "denominator": 2}
    starts = [TimeRange.parse(item["timerange"]).start for item in store.segments[video["id"]]]
    # The first key frames at or after 2.5, 5 and 7.5 seconds.
    assert [start * 25 // SECOND for start in starts[:4]] == [0, 65, 130, 195]


def test_start(store, tams, clip):
    tams("ingest", str(clip("clip.mp4")), "--start", "95440:0")
    assert envelope(store, by_format(store)["video"]).start == 95440 * SECOND


def test_start_now_is_the_time_of_day_in_tai(store, tams, clip):
    before = time.time_ns() + 37 * SECOND
    tams("ingest", str(clip("clip.mp4")), "--start", "now")
    start = envelope(store, by_format(store)["video"]).start
    assert before <= start <= time.time_ns() + 37 * SECOND


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--start", "7:0", "start: Flow "),
        ("--segment-duration", "7", "segment_duration: Flow "),
    ],
)
def test_a_wish_that_contradicts_what_is_stored_is_refused(store, tams, clip, option, value, said):
    file = str(clip("clip.mp4"))
    tams("ingest", file)
    before = store.uploads
    result = tams("ingest", file, option, value)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "holds this file already" in result.stderr
    assert store.uploads == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--start", "5"], "--start: it must be a timestamp such as 5:0, or now, not '5'"),
        (["--start", "9223372037:0"], "--start: times must lie within"),
        (["--segment-duration", "0"], "--segment-duration: it must be a number of seconds"),
        (["--segment-duration", "nan"], "--segment-duration: it must be a number of seconds"),
        (["--segment-duration", "Infinity"], "--segment-duration: it must be a number"),
        (["--segment-duration", "x"], "--segment-duration: it must be a number of seconds"),
        (["--tag", "x"], "--tag: it must be NAME=VALUE, not 'x'"),
        (["--tag", "=x"], "--tag: it must be NAME=VALUE, not '=x'"),
    ],
)
def test_a_wrong_option_is_named(store, tams, clip, arguments, said):
    result = tams("ingest", str(clip("clip.mp4")), *arguments)
    assert result.exit_code == 1
    assert said in result.stderr
    assert store.flows == {}


def test_a_file_that_is_none_or_no_media_is_named(store, tams, tmp_path):
    nothing = tmp_path / "nothing.mp4"
    result = tams("ingest", str(nothing))
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert str(nothing) in result.stderr
    nothing.write_text("no media at all")
    result = tams("ingest", str(nothing))
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert str(nothing) in result.stderr
    assert store.flows == {}


def test_segments_that_the_server_refuses_are_reported(store, tams, clip):
    file = str(clip("clip.mp4"))
    tams("ingest", file)
    video = by_format(store)["video"]["id"]
    # Another writer's Segment lies across the place of two of ours.
    store.segments[video][:2] = [{"object_id": "other", "timerange": "[0:0_3:0)"}]
    result = tams("ingest", file)
    assert result.exit_code == 1
    assert "it overlaps" in result.stderr


def test_without_pyav_it_says_what_to_install(tams, clip, monkeypatch, tmp_path):
    file = str(clip("clip.mp4"))
    monkeypatch.setitem(sys.modules, "av", None)
    for arguments in (["ingest", file], ["export", "some-flow", str(tmp_path / "out.mp4")]):
        result = tams(*arguments)
        assert result.exit_code == 1
        assert "pip install 'tams-server[media]'" in result.stderr
