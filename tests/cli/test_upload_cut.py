"""`tams upload --cut`: a file as Segments, and what a dry run says of that."""

from __future__ import annotations

import sys

import pytest


def test_cut_makes_a_flow_of_each_track_under_these_names(store, tams, clip):
    file = clip("clip.mp4")
    for name in ("One", "Two"):
        names = ["--source-name", "My Series", "--flow-name", name, "--series-mode"]
        run = tams("upload", "--cut", str(file), *names)
        assert run.exit_code == 0
        assert "Segments added" in run.stderr
    multi = [flow for flow in store.flows.values() if flow["format"].endswith("multi")]
    assert sorted(flow["label"] for flow in multi) == ["One", "Two"]
    assert len(store.flows) == 6
    assert len({flow["source_id"] for flow in multi}) == 1
    assert len(store.sources) == 3
    assert store.sources[multi[0]["source_id"]]["label"] == "My Series"
    assert "there already" in tams("upload", "--cut", str(file), *names).stdout


def test_a_dry_run_of_a_cut_says_what_would_be_cut(store, tams, clip):
    file = clip("clip.mp4")
    run = tams("upload", "--cut", "--dry-run", str(file), "--flow-name", "One")
    told = f"{file}: would be cut into Segments, video video/h264, audio audio/aac\n"
    assert (run.exit_code, run.stderr) == (0, "")
    assert run.stdout == f"{told}  Source Video Source\n  Flow   One\n"
    assert store.requests == []


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.mp4", ["--codec", "video/raw"]), ("a.mp4", ["--duration", "1"]), ("b.mp4", [])],
)
def test_a_dry_run_of_a_cut_refuses_what_the_cut_refuses(
    store, tams, clip, tmp_path, name, options
):
    (tmp_path / "a.mp4").write_bytes(clip("short.mp4", seconds=2).read_bytes())
    (tmp_path / "b.mp4").write_bytes(b"this is no clip")
    words = ["upload", "--cut", str(tmp_path / name), *options]
    real, dry = tams(*words), tams(*words, "--dry-run")
    assert (dry.exit_code, dry.stdout, dry.stderr) == (1, "", real.stderr)
    assert store.requests == []


def test_a_dry_run_of_a_cut_needs_pyav_as_the_cut_does(store, tams, clip, monkeypatch):
    file = clip("short.mp4", seconds=2)
    monkeypatch.setitem(sys.modules, "av", None)
    run = tams("upload", "--cut", "--dry-run", str(file))
    assert run.exit_code == 1
    assert "PyAV" in run.stderr
