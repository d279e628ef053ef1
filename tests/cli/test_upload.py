"""`tams upload`: a file as it is, alone or with its folder, against a small store."""

from __future__ import annotations

import asyncio
import sys
from fractions import Fraction

import pytest

from tams.client import TAMSClient
from tams.client.describing import Said
from tams.client.retry import Retry
from tams.client.upload import Upload, upload_file
from tams.domain.timerange import SECOND, TimeRange, parse_timestamp
from tests.cli.test_help import commands

NO_PYAV = ["--duration", "12.5"]


@pytest.fixture
def file(clip):
    return clip("short.mp4", seconds=2)


@pytest.fixture
def folder(tmp_path, clip):
    """Two clips, of which the second cannot be read, and what is no media."""
    (tmp_path / "b.mp4").write_bytes(b"this is no clip")
    (tmp_path / "a.mp4").write_bytes(clip("short.mp4", seconds=2).read_bytes())
    (tmp_path / "c.MOV").write_bytes(clip("short.mov", seconds=2).read_bytes())
    (tmp_path / "notes.txt").write_text("text")
    (tmp_path / ".hidden.mp4").write_text("text")
    (tmp_path / "d.mp4").mkdir()
    return tmp_path


def only(store):
    [flow] = store.flows.values()
    return flow


def labels(store):
    return sorted(flow["label"] for flow in store.flows.values())


def unhurried(store, pauses):
    """A client that notes how long it would wait."""

    async def sleep(seconds):
        pauses.append(seconds)

    return TAMSClient(store.url, retry=Retry(sleep=sleep, jitter=lambda: 1.0))


def test_f001_a_file_becomes_a_source_a_flow_an_object_and_a_segment(store, tams, file):
    run = tams("upload", str(file), "--source-name", "Gate 4", "--flow-name", "Morning")
    assert (run.exit_code, store.uploads) == (0, 1), run.stderr
    flow = only(store)
    [segment] = store.segments[flow["id"]]
    assert store.sources[flow["source_id"]]["label"] == "Gate 4"
    assert (flow["label"], flow["container"]) == ("Morning", "video/mp4")
    assert store.objects[segment["object_id"]] == file.read_bytes()
    changes = [request for request in store.requests if request[0] != "GET"]
    assert changes == [
        ("PUT", f"/flows/{flow['id']}"),
        ("PUT", f"/sources/{flow['source_id']}/label"),
        ("POST", f"/flows/{flow['id']}/storage"),
        ("PUT", f"/media/{segment['object_id']}"),
        ("POST", f"/flows/{flow['id']}/segments"),
    ]
    for said in (str(file), flow["id"], flow["source_id"], "Gate 4", "Morning"):
        assert said in run.stdout


def test_a_segment_says_where_the_picture_lies_in_the_file(store, tams, clip):
    file = clip("late.ts", seconds=2, begins="3")
    assert tams("upload", str(file)).exit_code == 0
    flow = only(store)
    [segment] = store.segments[flow["id"]]
    assert segment["timerange"] == "[0:0_2:0)"
    inside = TimeRange.parse(segment["object_timerange"])
    assert inside.end - inside.start == 2 * SECOND
    assert inside.start == 3 * SECOND
    assert parse_timestamp(segment["ts_offset"]) == -inside.start
    assert parse_timestamp(segment["last_duration"]) == SECOND // 25
    assert segment["key_frame_count"] == 2
    assert flow["container"] == "video/mp2t"
    assert flow["container_mapping"] == {"track_index": 0, "format_track_index": 0}


def test_f002_what_is_said_wins_over_what_the_file_says(store, tams, file):
    assert tams("upload", str(file)).exit_code == 0
    probed = only(store)
    assert probed["format"] == "urn:x-nmos:format:video"
    assert probed["codec"] == "video/h264"
    assert probed["essence_parameters"]["frame_width"] == 64
    assert probed["essence_parameters"]["frame_height"] == 48
    assert probed["essence_parameters"]["frame_rate"] == {"numerator": 25, "denominator": 1}
    store.flows.clear()
    options = ["--resolution", "1280x720", "--frame-rate", "30000/1001", "--codec", "video/x-own"]
    assert tams("upload", str(file), *options, "--container", "video/own").exit_code == 0
    said = only(store)
    assert said["codec"] == "video/x-own"
    assert said["container"] == "video/own"
    assert said["essence_parameters"]["frame_width"] == 1280
    assert said["essence_parameters"]["frame_height"] == 720
    assert said["essence_parameters"]["frame_rate"] == {"numerator": 30000, "denominator": 1001}
    assert "avc_parameters" not in said["essence_parameters"]


def test_sound_alone_is_a_flow_of_sound(store, tams, clip):
    file = clip("sound.mp4", seconds=2, video=None)
    assert tams("upload", str(file)).exit_code == 0
    flow = only(store)
    assert flow["format"] == "urn:x-nmos:format:audio"
    assert flow["essence_parameters"]["sample_rate"] == 48_000
    assert "container_mapping" not in flow
    assert "must be left out" in tams("upload", str(file), "--frame-rate", "25/1").stderr


def test_f003_a_series_has_one_source_and_a_flow_for_each_file(store, tams, clip):
    files = [clip(f"part {rate}.mp4", seconds=1, rate=Fraction(rate)) for rate in (25, 50)]
    for number, file in enumerate([files[0], files[1], files[1]], 1):
        names = ["--source-name", "My Series", "--flow-name", f"Episode {number}"]
        assert tams("upload", str(file), *names, "--series-mode").exit_code == 0
    assert labels(store) == ["Episode 1", "Episode 2", "Episode 3"]
    [source] = store.sources.values()
    assert source["label"] == "My Series"
    # Without the mode, each content is a Source of its own.
    tams("upload", str(files[0]), "--source-name", "My Series", "--flow-name", "Alone")
    assert len(store.sources) == 2


def test_a_source_that_was_given_another_label_keeps_it(store, tams, file):
    names = ["--source-name", "My Series", "--series-mode"]
    tams("upload", str(file), *names)
    [source] = store.sources.values()
    source["label"] = "Renamed"
    tams("upload", str(file), *names, "--flow-name", "Another")
    assert source["label"] == "Renamed"


def test_f004_defaults_where_nothing_can_be_asked(store, tams, file, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    run = tams("upload", str(file), *NO_PYAV)
    assert run.exit_code == 0
    assert "PyAV is not installed" in run.stderr
    assert "1920x1080, 30/1, video/mp4" in run.stderr
    flow = only(store)
    assert flow["label"] == "Video Flow"
    assert store.sources[flow["source_id"]]["label"] == "Video Source"
    assert flow["codec"] == "video/mp4"
    assert flow["essence_parameters"] == {
        "frame_width": 1920,
        "frame_height": 1080,
        "frame_rate": {"numerator": 30, "denominator": 1},
    }
    [segment] = store.segments[flow["id"]]
    assert segment["timerange"] == "[0:0_12:500000000)"
    run = tams("upload", str(file))
    assert run.exit_code == 1
    assert "its duration must be said" in run.stderr


def test_f004_the_server_and_the_time_unless_said():
    [command] = [one for words, one in commands() if words == "upload"]
    options = {parameter.name: parameter for parameter in command.params}
    assert options["url"].default == "http://localhost:8000"
    assert options["url"].envvar == "TAMS_API_BASE_URL"
    assert options["timeout"].default == 3600


def test_what_cannot_be_read_is_taken_only_with_its_duration(store, tams, folder):
    unreadable = str(folder / "b.mp4")
    assert tams("upload", unreadable).exit_code == 1
    assert store.requests == []
    run = tams("upload", unreadable, "--duration", "1", "--codec", "video/raw")
    assert run.exit_code == 0
    assert "it is taken to be 1920x1080, 30/1, video/raw" in run.stderr
    assert only(store)["codec"] == "video/raw"


def test_f006_a_folder_is_uploaded_in_order_as_one_source(store, tams, folder, clip):
    (folder / "b.mp4").write_bytes(clip("short.mp4", seconds=2).read_bytes())
    run = tams("upload", "--batch", "My Series", str(folder))
    assert run.exit_code == 0, run.stderr
    assert labels(store) == ["Episode 01", "Episode 02", "Episode 03"]
    [source] = store.sources.values()
    assert source["label"] == "My Series"
    order = [run.stdout.index(name) for name in ("a.mp4", "Episode 01", "b.mp4", "Episode 02")]
    assert order == sorted(order)
    assert run.stdout.endswith("3 of 3 files are on the server\n")
    store.flows.clear()
    again = ["--flow-prefix", "Part", "--extensions", "MOV, avi"]
    assert tams("upload", "--batch", "My Series", str(folder), *again).exit_code == 0
    assert labels(store) == ["Part 01"]


def test_f010_a_failed_file_is_told_and_the_others_go_on(store, tams, folder):
    run = tams("upload", "--batch", "My Series", str(folder))
    assert run.exit_code == 1
    assert labels(store) == ["Episode 01", "Episode 03"]
    assert f"tams: {folder / 'b.mp4'}: Invalid data" in run.stderr
    assert run.stdout.endswith("2 of 3 files are on the server, 1 failed\n")


def test_f010_a_dry_run_asks_no_server(store, tams, folder):
    run = tams("upload", "--batch", "My Series", str(folder), "--dry-run")
    assert run.exit_code == 1
    assert store.requests == []
    assert f"{folder / 'a.mp4'}: would be uploaded, video/h264 [0:0_2:0)" in run.stdout
    assert "Flow   Episode 01" in run.stdout
    assert "Source My Series" in run.stdout
    assert "b.mp4: Invalid data" in run.stderr
    assert run.stdout.endswith("2 of 3 files could be uploaded, 1 failed\n")
    assert tams("upload", str(folder / "a.mp4"), "--dry-run").exit_code == 0
    assert store.requests == []


@pytest.mark.parametrize("words", [[], ["a", "b"], ["a", "--no-such-option"], ["--batch", "x"]])
def test_f009_wrong_usage_shows_the_usage(store, tams, words):
    run = tams("upload", *words)
    assert run.exit_code == 2
    assert "Usage: tams upload" in run.stderr
    assert store.requests == []


def test_f009_what_is_no_folder_is_named(store, tams, file):
    run = tams("upload", "--batch", "My Series", str(file))
    assert (run.exit_code, run.stderr) == (1, f"tams: {file} is not a valid directory\n")
    run = tams("upload", str(file.parent))
    assert run.exit_code == 1
    assert "is a directory; --batch SOURCE uploads" in run.stderr


def test_a_folder_without_media_is_told(tams, tmp_path):
    run = tams("upload", "--batch", "My Series", str(tmp_path), "--extensions", "mp4")
    assert run.exit_code == 1
    assert run.stderr == f"tams: {tmp_path}: no file in it ends in .mp4\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--resolution", "1920"], "resolution: it must be WIDTHxHEIGHT"),
        (["--resolution", "0x0"], "resolution: it must be WIDTHxHEIGHT"),
        (["--frame-rate", "25/0"], "frame_rate: it must be N/D"),
        (["--codec", "h264"], "codec: it must be a MIME type"),
        (["--container", "mp4"], "container: it must be a MIME type"),
        (["--duration", "1e3"], "duration: it must be a number of seconds"),
        (["--duration", "0.0"], "duration: it must be more than 0"),
        (["--flow-prefix", "x"], "--flow-prefix: it must be with --batch"),
        (["--extensions", "x"], "--extensions: it must be with --batch"),
        (["--batch", "x", "--flow-name", "y"], "--flow-name: it must be left out with --batch"),
        (["--cut", "--codec", "video/raw"], "its tracks say themselves what they are"),
    ],
)
def test_an_option_that_cannot_be_meant_is_named(store, tams, file, words, told):
    run = tams("upload", str(file), *words)
    assert run.exit_code == 1
    assert told in run.stderr
    assert store.flows == {}


async def test_f013_what_fails_for_a_moment_is_tried_again(store, file):
    pauses = []
    store.first_answers = [503, 502, 429]
    async with unhurried(store, pauses) as client:
        done = await upload_file(client, Upload(file=file), lambda *_: None)
    assert done.added
    assert pauses == [0.25, 0.5, 1.0]
    [segment] = store.segments[done.flow_id]
    assert store.objects[segment["object_id"]] == file.read_bytes()


def test_f014_a_refused_url_is_told_with_what_is_left(store, tams, file):
    store.first_answers = [403]
    run = tams("upload", str(file))
    assert run.exit_code == 1
    assert "refused (403)" in run.stderr
    assert "SignatureDoesNotMatch" in run.stderr
    assert f"Flow {only(store)['id']} may be there without its Segment" in run.stderr
    assert store.segments == {}


def test_f014_too_large_a_file_is_told(store, tams, file):
    store.first_answers = [413]
    run = tams("upload", str(file))
    assert run.exit_code == 1
    assert "it is too large for this server (413)" in run.stderr


async def test_f014_an_upload_that_takes_too_long_is_given_up(store, file):
    store.stall_uploads_after = 0
    async with TAMSClient(store.url) as client:
        with pytest.raises(Exception, match=r"not uploaded within 0\.5 s; .* may be there"):
            await upload_file(client, Upload(file=file, timeout=0.5), lambda *_: None)


@pytest.mark.parametrize(
    ("name", "told"),
    [("none.mp4", "No such file"), ("notes.txt", "Invalid data"), ("empty.mp4", "it is empty")],
)
def test_f014_a_file_that_is_missing_or_no_media_is_told(store, tams, folder, name, told):
    (folder / "empty.mp4").touch()
    run = tams("upload", str(folder / name))
    assert run.exit_code == 1
    assert f"{name}: " in run.stderr
    assert told in run.stderr
    assert store.requests == []


def test_media_of_an_unknown_name_needs_its_container(store, tams, file, tmp_path):
    other = tmp_path / "clip.own"
    other.write_bytes(file.read_bytes())
    assert "its container must be said" in tams("upload", str(other)).stderr
    assert store.requests == []
    assert tams("upload", str(other), "--container", "video/mp4").exit_code == 0


@pytest.mark.parametrize("options", [[], ["--cut"]])
def test_a_server_that_is_away_is_told(tams, file, monkeypatch, options):
    monkeypatch.setattr("tams.client.retry.FIRST_WAIT", 0.0)
    run = tams("upload", str(file), "--base-url", "http://127.0.0.1:1", *options)
    assert run.exit_code == 1
    assert run.stderr.startswith(f"tams: {file}: no answer from the server")
    assert "may be there" not in run.stderr


def test_f015_cameras_have_flows_of_their_own_though_of_one_name(store, tams, file):
    for camera in ("Camera 1", "Camera 2"):
        names = ["--source-name", camera, "--flow-name", "Main"]
        assert tams("upload", str(file), *names).exit_code == 0
    assert labels(store) == ["Main", "Main"]
    assert len({flow["source_id"] for flow in store.flows.values()}) == 2
    assert sorted(source["label"] for source in store.sources.values()) == ["Camera 1", "Camera 2"]


def test_the_same_again_adds_nothing(store, tams, file):
    tams("upload", str(file))
    before = (store.flows.copy(), dict(store.segments), store.uploads)
    run = tams("upload", str(file))
    assert (run.exit_code, run.stderr.count("\n")) == (0, 0 if run.stderr == "" else 1)
    assert f"{file}: there already" in run.stdout
    assert (store.flows, store.segments, store.uploads) == before


@pytest.mark.parametrize("status", [403, 413, 507])
def test_a_failed_upload_is_completed_by_the_same_again(store, tams, file, status):
    store.first_answers = [status]
    assert tams("upload", str(file)).exit_code == 1
    half_made = only(store)["id"]
    assert tams("upload", str(file)).exit_code == 0
    assert only(store)["id"] == half_made
    assert len(store.segments[half_made]) == 1


async def test_two_at_once_make_one_segment(store, file):
    store.uploads_meet = asyncio.Barrier(2)
    async with TAMSClient(store.url) as client:
        both = await asyncio.gather(
            *(upload_file(client, Upload(file=file), lambda *_: None) for _ in range(2))
        )
    assert sorted(done.added for done in both) == [False, True]
    assert store.uploads == 2
    assert len(store.segments[only(store)["id"]]) == 1


async def test_what_another_has_written_there_is_told(store, file):
    planned = Upload(file=file, said=Said())
    async with TAMSClient(store.url) as client:
        done = await upload_file(client, planned, lambda *_: None)
        store.segments[done.flow_id] = []
        store.objects.clear()
        store.first_answers = [204]  # a store that says it took what it did not
        with pytest.raises(Exception, match="its Segment was refused: it overlaps"):
            await upload_file(client, planned, lambda *_: None)
