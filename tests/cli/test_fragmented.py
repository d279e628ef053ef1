"""`--container fmp4`: init Objects, resumption and siblings, against a small store."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tams.domain.timerange import SECOND, TimeRange
from tams.media.cut import cut
from tams.media.probe import probe
from tests.boxes import boxes
from tests.cli.test_ingest import by_format, envelope
from tests.clips import decode

FMP4 = ("--container", "fmp4")


def init_ids(store, flow_id: str) -> list[str]:
    """Return the init Object of each Segment of a Flow, in order."""
    return [segment["init_object_id"] for segment in store.segments[flow_id]]


def stored_inits(store) -> list[str]:
    """Return the types of the init Objects that have bytes."""
    return sorted(
        store.content_types[object_id]
        for object_id, content in store.objects.items()
        if content is not None and boxes(content)[0] == "ftyp"
    )


@pytest.fixture
def flows(store, tams, clip) -> dict[str, str]:
    """Ingest the clip as fragmented MP4; return the Flows' ids by format."""
    result = tams("ingest", str(clip("clip.mp4")), *FMP4)
    assert result.exit_code == 0, result.stderr
    return {kind: flow["id"] for kind, flow in by_format(store).items()}


def test_each_track_has_one_init_object_of_its_own_type(store, flows):
    for kind in ("video", "audio"):
        flow = store.flows[flows[kind]]
        assert flow["container"] == f"{kind}/iso.segment"
        assert flow["essence_parameters"]["init_segments"] is True
        (init_id,) = set(init_ids(store, flow["id"]))
        assert store.content_types[init_id] == f"{kind}/mp4"
        objects = [segment["object_id"] for segment in store.segments[flow["id"]]]
        assert {store.content_types[object_id] for object_id in objects} == {flow["container"]}
    assert stored_inits(store) == ["audio/mp4", "video/mp4"]
    assert store.uploads == sum(map(len, store.segments.values())) + 2


def test_the_same_file_again_adds_nothing(store, flows, tams, clip):
    before = store.flows.copy(), dict(store.segments), store.uploads, store.flow_puts
    store.downloads.clear()
    result = tams("ingest", str(clip("clip.mp4")), *FMP4)
    assert ": 0 of " in result.stdout
    assert (store.flows, store.segments, store.uploads, store.flow_puts) == before
    assert store.downloads == []


@pytest.mark.parametrize("uploads", [0, 1, 2, 7, 17])
def test_an_interrupted_ingest_goes_on_with_the_same_init_object(
    store, tams, clip, uploads, monkeypatch
):
    monkeypatch.setattr("tams.client.ingest.BATCH", 4)
    file = str(clip("clip.mp4"))
    store.refuse_uploads_after = uploads
    assert tams("ingest", file, *FMP4).exit_code == 1
    kept = {flow_id: list(segments) for flow_id, segments in store.segments.items()}
    store.refuse_uploads_after = None
    assert tams("ingest", file, *FMP4).exit_code == 0
    for flow_id, segments in kept.items():
        assert store.segments[flow_id][: len(segments)] == segments
    flows = by_format(store)
    for kind in ("video", "audio"):
        assert envelope(store, flows[kind]) == TimeRange(0, 20 * SECOND)
        assert len(set(init_ids(store, flows[kind]["id"]))) == 1
    # An init Object that no Segment names is for the server to clean up.
    lost = 1 if 0 < uploads < 5 else 0
    assert len(stored_inits(store)) == 2 + lost


def test_other_containers_of_a_file_are_flows_of_the_same_sources(store, flows, tams, clip):
    fragmented = dict(store.flows)
    assert tams("ingest", str(clip("clip.mp4"))).exit_code == 0
    others = [flow for flow_id, flow in store.flows.items() if flow_id not in fragmented]
    assert len(others) == len(fragmented) == 3
    sources = {flow["format"]: flow["source_id"] for flow in fragmented.values()}
    assert {flow["format"]: flow["source_id"] for flow in others} == sources
    members = [
        {item["id"] for item in flow["flow_collection"]}
        for flow in store.flows.values()
        if "flow_collection" in flow
    ]
    assert len(members[0] | members[1]) == 4
    # The same moments are in both, so that a player may change from one to the other.
    for flow in others:
        if "container" in flow:
            sibling = flows[flow["format"].rsplit(":", 1)[-1]]
            assert [item["timerange"] for item in store.segments[flow["id"]]] == [
                item["timerange"] for item in store.segments[sibling]
            ]


def test_other_containers_of_a_file_share_its_start(store, tams, clip):
    file = str(clip("clip.mp4"))
    tams("ingest", file, "--start", "5:0", "--segment-duration", "3")
    result = tams("ingest", file, *FMP4, "--start", "7:0")
    assert result.exit_code == 1
    assert "holds this file already and starts at 5:0" in result.stderr
    assert len(store.flows) == 3
    assert tams("ingest", file, *FMP4).exit_code == 0
    assert len(store.flows) == 6
    for flow in store.flows.values():
        assert flow["tags"]["ingest_start"] == "5:0"
        if "container" in flow:
            assert envelope(store, flow) == TimeRange(5 * SECOND, 25 * SECOND)
            length = flow["segment_duration"]["numerator"]
            assert length == (2 if flow["container"].endswith("/iso.segment") else 3)


def test_a_codec_that_mp4_does_not_take_is_named_and_nothing_is_stored(store, tams, clip):
    file = clip("prores.mov", seconds=2, video="prores_ks", audio=("pcm_s16le",))
    result = tams("ingest", str(file), *FMP4)
    assert result.exit_code == 1
    said = f"container: {file}: MP4 cannot hold track 0 (video/prores) as it is"
    assert result.stderr == f"tams: {said}; it must be auto for this file, not 'fmp4'\n"
    assert store.flows == {}


def test_an_unknown_container_is_refused(store, tams, clip):
    result = tams("ingest", str(clip("clip.mp4")), "--container", "mov")
    assert result.exit_code == 2
    assert "--container" in result.stderr
    assert store.flows == {}


def replace_init(store, flow_id: str, first: int, content: bytes) -> None:
    """Give the Segments from number `first` on another init Object."""
    store.objects["other-init"] = content
    store.segments[flow_id][first:] = [
        segment | {"init_object_id": "other-init"} for segment in store.segments[flow_id][first:]
    ]


def test_each_init_object_is_fetched_once_and_a_change_is_joined(
    store, flows, tams, clip, tmp_path
):
    video = flows["video"]
    (init_id,) = set(init_ids(store, video))
    replace_init(store, video, 3, store.objects[init_id].replace(b"iso5", b"iso6", 1))
    store.downloads.clear()
    out = tmp_path / "out.mp4"
    result = tams("export", flows["multi"], str(out))
    assert (result.exit_code, result.stderr) == (0, "")
    assert decode(out).frames == decode(clip("clip.mp4")).frames
    assert decode(out).sample_counts == decode(clip("clip.mp4")).sample_counts
    assert len(store.downloads) == len(set(store.downloads))
    assert {init_id, "other-init"} <= set(store.downloads)


def test_a_change_of_the_codec_parameters_is_refused_and_where_is_told(
    store, flows, tams, clip, tmp_path
):
    other: Path = clip("fast.mp4", seconds=2, rate=Fraction(50), audio=())
    media = probe(other, fragmented=True)
    (item, *_) = cut(media, media.tracks[0], tmp_path)
    replace_init(store, flows["video"], 3, item.init)
    out = tmp_path / "out.mp4"
    result = tams("export", flows["video"], str(out))
    where = TimeRange.parse(store.segments[flows["video"]][3]["timerange"]).start
    assert result.exit_code == 1
    assert "cannot follow h264 64/48" in result.stderr
    assert f"{where // SECOND}:{where % SECOND}" in result.stderr
    assert not out.exists()
    part = tams("export", flows["video"], str(out), "--timerange", f"[0:0_{where // SECOND}:0)")
    assert part.exit_code == 0


def test_an_init_object_that_cannot_be_fetched_leaves_no_file(store, flows, tams, tmp_path):
    (init_id,) = set(init_ids(store, flows["video"]))
    store.objects[init_id] = None
    result = tams("export", flows["video"], str(tmp_path / "out.mp4"))
    assert result.exit_code == 1
    assert "no bytes" in result.stderr
    assert list(tmp_path.iterdir()) == []
