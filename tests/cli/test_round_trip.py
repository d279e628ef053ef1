"""Clips in and out of a server in a process of its own.

Issue: "Done when" 1 and 2; fragmented MP4 with init Objects. Every clip
goes through SQLite and a folder, the main one through PostgreSQL and S3 too.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from tams.catalogue.connect import migrate
from tams.domain.timerange import SECOND, TimeRange, parse_timestamp
from tests.boxes import boxes, samples
from tests.ceph import Gateway
from tests.clips import Decoded, decode, transport_times
from tests.durability.process import TAMS, server_process
from tests.postgres import PostgresServer

WRAP = 1 << 33


@pytest.fixture(scope="module")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `tams serve` with nothing set; it must end well on SIGTERM."""
    with server_process(tmp_path_factory.mktemp("sqlite"), "") as server:
        yield server.url
        assert server.stop() == 0


@pytest.fixture(scope="module")
def postgresql_server(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The same with a catalogue in PostgreSQL."""
    catalogue = postgres_server.create("round_trip")
    asyncio.run(migrate(catalogue))
    with server_process(tmp_path_factory.mktemp("postgresql"), catalogue) as server:
        yield server.url
        assert server.stop() == 0


@pytest.fixture(scope="module")
def facility_server(
    postgres_server: PostgresServer,
    gateway: Gateway,
    s3_bucket: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The same with a catalogue in PostgreSQL, and media in S3 that must be there first."""
    catalogue = postgres_server.create("facility")
    asyncio.run(migrate(catalogue))
    folder = tmp_path_factory.mktemp("facility")
    with pytest.MonkeyPatch.context() as around:
        storage = gateway.setting(s3_bucket, around)
        settings = {"storage": storage, "verify_uploads": "true"}
        with server_process(folder, catalogue, **settings) as server:
            yield server.url
            assert server.stop() == 0
    assert not (folder / "data" / "media").exists()


@dataclass
class Stored:
    """A clip on the server: its ids as `tams ingest` printed them."""

    clip: Path
    container: str
    start: int
    url: str
    flows: dict[str, str]

    @property
    def fragmented(self) -> bool:
        """Whether it was ingested as fragmented MP4."""
        return self.container == "fmp4"

    @cached_property
    def original(self) -> Decoded:
        """What the clip itself decodes to."""
        return decode(self.clip)

    def get(self, path: str) -> Any:
        """Return the JSON of an answer."""
        with urlopen(f"{self.url}{path}") as answer:
            return json.load(answer)

    def segments(self, kind: str, timerange: str = "_") -> list[dict[str, Any]]:
        """Return the Segments of a Flow as the server lists them."""
        return self.get(f"/flows/{self.flows[kind]}/segments?timerange={quote(timerange)}")


CASES = {
    "H.264 and AAC": ("clip.mp4", {}, "0:0"),
    "H.264 and AAC on PostgreSQL and S3": ("clip.mp4", {}, "0:0"),
    "a wrap within an Object": ("late.ts", {"begins": "95440"}, "95440:0"),
    "a wrap between two Objects": ("late.ts", {"begins": "95440"}, "95441:120000000"),
    "PCM": ("pcm.mov", {"audio": ("pcm_s16le",)}, "0:0"),
    "no audio": ("silent.mp4", {"audio": ()}, "0:0"),
    "fragmented": ("clip.mp4", {}, "0:0"),
    "fragmented on PostgreSQL": ("clip.mp4", {}, "0:0"),
    "fragmented PCM": ("pcm.mov", {"audio": ("pcm_s16le",)}, "0:0"),
    "fragmented, no audio": ("silent.mp4", {"audio": ()}, "0:0"),
}


@pytest.fixture(scope="module", params=CASES, ids=lambda name: name.replace(" ", "-"))
def stored(request, tmp_path_factory, clip) -> Iterator[Stored]:
    """Ingest one of the clips into a server of its own."""
    name, wishes, start = CASES[request.param]
    on = request.param.partition(" on ")[2]
    kind = {"PostgreSQL": "postgresql", "PostgreSQL and S3": "facility"}.get(on, "sqlite")
    server = request.getfixturevalue(f"{kind}_server")
    file = clip(name, **wishes)
    # One content is one set of Flows: the same file at another start must be another file.
    copy = tmp_path_factory.mktemp("in") / name
    copy.write_bytes(file.read_bytes() + (b"\0" * 188 if start.startswith("95441") else b""))
    container = "fmp4" if request.param.startswith("fragmented") else "auto"
    options = ["--url", server, "--start", start, "--container", container]
    run = subprocess.run(
        [*TAMS, "ingest", str(copy), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    flows = dict(re.findall(r"^  (\w+) +Flow (\S+)$", run.stdout, re.MULTILINE))
    return Stored(copy, container, parse_timestamp(start), server, flows)


def test_the_flows_are_what_the_clip_holds(stored):
    kinds = {"video", "multi"} | ({"audio"} if stored.original.sounds else set())
    assert set(stored.flows) == kinds
    multi = stored.get(f"/flows/{stored.flows['multi']}")
    assert "container" not in multi
    assert stored.segments("multi") == []
    members = {item["id"] for item in multi["flow_collection"]}
    assert members == {stored.flows[kind] for kind in kinds - {"multi"}}
    for kind in kinds - {"multi"}:
        flow = stored.get(f"/flows/{stored.flows[kind]}")
        assert flow["collected_by"] == [multi["id"]]
        assert flow["source_id"] != multi["source_id"]
        assert 0 < flow["avg_bit_rate"] <= flow["max_bit_rate"]
        assert flow["essence_parameters"].get("init_segments", False) == stored.fragmented
        assert flow["container"] in (
            {f"{kind}/iso.segment"} if stored.fragmented else {"video/mp2t", "video/quicktime"}
        )


def test_a_timerange_gives_exactly_the_segments_that_overlap_it(stored):
    asked = TimeRange(stored.start + 5 * SECOND, stored.start + 10 * SECOND)
    for kind in set(stored.flows) - {"multi"}:
        expected = [
            item["timerange"]
            for item in stored.segments(kind)
            if TimeRange.parse(item["timerange"]).overlaps(asked)
        ]
        found = stored.segments(kind, str(asked))
        assert [item["timerange"] for item in found] == expected
        assert 2 <= len(found) < len(stored.segments(kind))


def test_every_url_downloads(stored):
    for kind in set(stored.flows) - {"multi"}:
        for segment in stored.segments(kind):
            assert segment["get_urls"]
            for entry in segment["get_urls"]:
                with urlopen(entry["url"]) as answer:
                    assert len(answer.read()) == int(answer.headers["Content-Length"]) > 0


def content(holder: dict[str, Any]) -> tuple[bytes, str]:
    """Return the bytes of an Object and their type."""
    with urlopen(holder["get_urls"][0]["url"]) as answer:
        return answer.read(), answer.headers["Content-Type"]


def test_all_segments_of_a_fragmented_flow_share_an_init_object(stored):
    for kind in set(stored.flows) - {"multi"}:
        segments = stored.segments(kind)
        inits = {item["init_object"]["object_id"] for item in segments if "init_object" in item}
        assert len(inits) == stored.fragmented
        if not stored.fragmented:
            continue
        init, content_type = content(segments[0]["init_object"])
        assert (boxes(init), content_type) == (["ftyp", "moov"], f"{kind}/mp4")
        for segment in segments:
            media, content_type = content(segment)
            assert content_type == f"{kind}/iso.segment"
            assert boxes(media) == ["styp", "moof", "mdat"]
        init_object = stored.get(f"/objects/{inits.pop()}")
        assert "timerange" not in init_object
        assert init_object["referenced_by_flows"] == [stored.flows[kind]]


def fragment_times(segment: dict[str, Any]) -> list[int]:
    """Return the presentation times in an Object's own boxes, in order, in nanoseconds."""
    (init, _), (media, _) = content(segment["init_object"]), content(segment)
    times = sorted(sample.present for sample in samples(init, media))
    return [time.numerator * SECOND // time.denominator for time in times]


def test_times_in_fragments_plus_ts_offset_are_the_segments_times(stored):
    for segment in stored.segments("video") if stored.fragmented else []:
        times = fragment_times(segment)
        offset = parse_timestamp(segment.get("ts_offset", "0:0"))
        timerange = TimeRange.parse(segment["timerange"])
        assert times[0] + offset == timerange.start
        last = timerange.end - parse_timestamp(segment["last_duration"])
        assert abs(times[-1] + offset - last) <= 1


def object_ticks(segment: dict[str, Any]) -> list[int]:
    """Return the presentation times in an Object's own bytes, in order, a wrap within undone."""
    with urlopen(segment["get_urls"][0]["url"]) as answer:
        ticks = transport_times(answer.read())
    wrapped = max(ticks) - min(ticks) > WRAP // 2
    return sorted(tick + WRAP if wrapped and tick < WRAP // 2 else tick for tick in ticks)


def test_times_in_the_objects_plus_ts_offset_are_the_segments_times(stored):
    """MPEG-TS Objects handle the 33-bit wrap with `ts_offset`."""
    segments = [] if stored.fragmented else stored.segments("video")
    within, offsets = 0, set()
    for segment in segments:
        ticks = object_ticks(segment)
        within += ticks[-1] >= WRAP
        offset = parse_timestamp(segment.get("ts_offset", "0:0"))
        offsets.add(offset)
        timerange = TimeRange.parse(segment["timerange"])
        assert ticks[0] * 100_000 // 9 + offset == timerange.start
        last = timerange.end - parse_timestamp(segment["last_duration"])
        assert abs(ticks[-1] * 100_000 // 9 + offset - last) <= 100_000 // 9 + 1
    if stored.clip.suffix == ".ts":
        assert any(offsets)
        assert max(offsets) >= WRAP * 100_000 // 9 > min(offsets)
        assert within == (1 if stored.start == 95440 * SECOND else 0)


def test_the_same_clip_again_adds_nothing(stored, shell):
    """The same file has the same ids, in a real server too."""

    def known() -> list[Any]:
        flows = [stored.get(f"/flows/{flow}") for flow in stored.flows.values()]
        return [flows, *(stored.segments(kind) for kind in stored.flows)]

    before = known()
    options = ["--url", stored.url, "--container", stored.container]
    run = shell("ingest", str(stored.clip), *options)
    assert (run.exit_code, run.stderr) == (0, "")
    assert ": 0 of " in run.stdout
    assert known() == before


@pytest.mark.parametrize("suffix", ["mp4", "mov", "ts", "mkv"])
def test_an_export_decodes_to_what_the_clip_decodes_to(stored, shell, tmp_path, suffix):
    """`tams ingest` cuts and `tams export` joins without re-encoding."""
    original = stored.original
    for kind, flow in stored.flows.items():
        out = tmp_path / f"{kind}.{suffix}"
        run = shell("export", flow, str(out), "--url", stored.url)
        if suffix == "ts" and kind != "video" and stored.clip.name == "pcm.mov":
            assert run.exit_code == 1
            assert ".ts cannot hold audio of codec pcm_s16le; choose .mov or .mkv" in run.stderr
            continue
        assert run.exit_code == 0, run.stderr
        written = decode(out)
        assert written.frames == (original.frames if kind != "audio" else [])
        counts = original.sample_counts if kind != "video" else {}
        said = re.search(r"with (\d+) samples of codec priming", run.stderr)
        primed = int(said[1]) if said else 0
        assert written.sample_counts == {track: count + primed for track, count in counts.items()}
        assert not (primed and suffix in {"mp4", "mov"})


@pytest.mark.parametrize("suffix", ["mp4", "mov", "ts", "mkv"])
def test_an_export_of_a_timerange_decodes_to_the_frames_of_its_segments(
    stored, shell, tmp_path, suffix
):
    """It trims to the Segments that overlap `--timerange`."""
    asked = str(TimeRange(stored.start + 5 * SECOND, stored.start + 10 * SECOND))
    overlapping = [TimeRange.parse(item["timerange"]) for item in stored.segments("video", asked)]
    out = tmp_path / f"part.{suffix}"
    run = shell(
        "export", stored.flows["video"], str(out), "--timerange", asked, "--url", stored.url
    )
    assert (run.exit_code, run.stderr) == (0, "")
    zero = TimeRange.parse(stored.segments("video")[0]["timerange"]).start
    moments = overlapping[0].start - zero, overlapping[-1].end - zero
    first, last = (-(-moment * 25 // SECOND) for moment in moments)
    assert 0 < first < last < len(stored.original.frames)
    assert decode(out).frames == stored.original.frames[first:last]
