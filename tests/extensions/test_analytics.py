"""The store in numbers, over HTTP."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from tams.conformance.server import new_id, query
from tams.extensions.analytics import wants_csv
from tests.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIDEO, AUDIO = "urn:x-nmos:format:video", "urn:x-nmos:format:audio"
NAMES = ("flow-usage", "storage-usage", "time-range-analysis")
SUMMARY = "/analytics/catalog-summary"
HALVES = ["[0:0_2:0)", "[2:0_4:0)", "[4:0_16:0)", "[3600:0_3690:0)"]


async def analysed(server, name, /, **filters):
    """The numbers, which are the same by both paths."""
    asked = query(filters) if filters else ""
    found = await server.read(f"/analytics/{name}{asked}")
    assert found == await server.read(f"/{name}{asked}")
    return found


async def uploaded(server, flow_id, timerange, content):
    """A Segment whose Object has these bytes; gives the Object's id."""
    [allocated] = await server.allocate(flow_id)
    (await server.upload(allocated, content)).is_status(200)
    await server.segment(flow_id, timerange, object_id=allocated["object_id"])
    return allocated["object_id"]


async def emptied(server):
    """Leave no Flow, so that all numbers are those of the test."""
    for flow in await server.read("/flows?limit=1000"):
        if flow.get("read_only"):
            await server.set(f"/flows/{flow['id']}/read_only", False)
        (await server.delete(f"/flows/{flow['id']}")).is_status(204, 202)
    await server.wait(0)


@pytest_asyncio.fixture(loop_scope="module")
async def store(server):
    await emptied(server)
    return server


async def test_d001_d004_flow_usage_counts_flows_and_what_they_hold(store):
    video, audio = await store.flow(), await store.flow("audio")
    await uploaded(store, video["id"], "[0:0_1:0)", b"x" * 700)
    shared = await uploaded(store, audio["id"], "[0:0_1:0)", b"x" * 300)
    await store.segment(audio["id"], "[1:0_2:0)", object_id=shared, ts_offset="1:0")
    await store.wait(0)
    found = await analysed(store, "flow-usage")
    assert found["total_flows"] == 2
    assert found["format_distribution"] == {VIDEO: 1, AUDIO: 1}
    assert found["estimated_storage_bytes"] == 1000
    assert found["average_flow_size"] == 500
    assert (await store.head("/flow-usage")).is_status(200).body == b""


async def test_d007_d010_d011_flow_usage_says_what_flows_are_like(store):
    video, audio = await store.flow(), await store.flow("audio")
    await uploaded(store, video["id"], "[0:0_1:0)", b"x" * 700)
    await store.segment(audio["id"], "[0:0_1:0)")
    await store.wait(0)
    assert await analysed(store, "flow-usage") == {
        "storage_by_flow": {video["id"]: 700, audio["id"]: 0},
        "total_flows": 2,
        "total_segments": 2,
        "created_last_30_days": 2,
        "format_distribution": {VIDEO: 1, AUDIO: 1},
        "codec_distribution": {"video/h264": 1, "audio/aac": 1},
        "resolution_distribution": {"1920x1080": 1},
        "storage_by_format": {VIDEO: 700, AUDIO: 0},
        "estimated_storage_bytes": 700,
        "average_flow_size": 350,
        "unmeasured_objects": 1,
    }


async def test_d002_d005_storage_usage_counts_each_object_once(store):
    first, second = await store.flow(), await store.flow()
    shared = await uploaded(store, first["id"], "[0:0_1:0)", b"x" * 100)
    await uploaded(store, second["id"], "[0:0_1:0)", b"x" * 300)
    await store.segment(second["id"], "[1:0_2:0)", object_id=shared, ts_offset="1:0")
    await store.wait(0)
    found = await analysed(store, "storage-usage")
    assert (found["total_objects"], found["total_size_bytes"]) == (2, 400)
    assert found["average_size_bytes"] == 200
    assert set(found["access_patterns"]) == {
        "frequently_accessed",
        "moderately_accessed",
        "rarely_accessed",
    }
    assert found["storage_efficiency"] == 500 / 400
    assert (await analysed(store, "flow-usage"))["estimated_storage_bytes"] == 500
    (await store.delete(f"/flows/{first['id']}")).is_status(204)
    found = await analysed(store, "storage-usage")
    assert (found["total_objects"], found["total_size_bytes"]) == (2, 400)
    assert (await store.head("/storage-usage")).is_status(200).body == b""


async def test_d008_d010_d012_storage_usage_knows_sizes_and_accesses(store):
    flow = await store.flow()
    often = await uploaded(store, flow["id"], "[0:0_1:0)", b"x")
    large = await uploaded(store, flow["id"], "[1:0_2:0)", b"x" * 2**20)
    await store.segment(flow["id"], "[2:0_3:0)")
    for _ in range(10):
        await store.read(f"/objects/{often}")
    await store.read(f"/objects/{large}")
    await store.read(f"/objects/{large}")
    await store.wait(0)
    found = await analysed(store, "storage-usage")
    assert (found["total_objects"], found["unmeasured_objects"]) == (3, 1)
    assert found["size_distribution"] == {"small": 1, "medium": 1, "large": 0, "xlarge": 0}
    assert (found["total_access_count"], found["average_access_count"]) == (12, 4)
    assert found["access_patterns"] == {
        "frequently_accessed": 1,
        "moderately_accessed": 1,
        "rarely_accessed": 1,
    }
    assert [one["id"] for one in found["most_accessed"]] == [often, large]
    assert [one["access_count"] for one in found["least_accessed"]] == [0, 2, 10]
    assert found["storage_growth_rate"] == 2**20 + 1


async def test_a147_reading_an_object_raises_its_access_count_and_says_when(store):
    flow = await store.flow()
    read = await uploaded(store, flow["id"], "[0:0_1:0)", b"media")
    before = datetime.now(UTC)
    [url] = (await store.read(f"/objects/{read}"))["get_urls"]
    await store.read(f"/objects/{read}?accept_get_urls=")  # gives no URL
    for wanted in ({}, {"Range": "bytes=0-1"}, {"Range": "bytes=2-"}):
        (await store.get(url["url"], headers=wanted)).is_status(200, 206)
    (await store.head(url["url"])).is_status(200)
    assert (await store.read("/storage-usage"))["most_accessed"] == []  # no write for a read
    await store.wait(0)
    [found] = (await store.read("/storage-usage"))["most_accessed"]
    assert (found["id"], found["access_count"]) == (read, 3)
    last = datetime.fromisoformat(found["last_accessed"])
    assert timedelta() <= last - before < timedelta(days=365)
    await store.read(f"/objects/{read}")
    await store.wait(5)
    [again] = (await store.read("/storage-usage"))["most_accessed"]
    assert again["access_count"] == 4
    assert datetime.fromisoformat(again["last_accessed"]) >= last


async def test_reading_the_bytes_of_a_segment_counts_as_reading_its_object(store):
    flow = await store.flow()
    read = await uploaded(store, flow["id"], "[0:0_1:0)", b"media")
    path = f"/flows/{flow['id']}/segments/{read}/data"
    for wanted in ({}, {"Range": "bytes=0-1"}, {"Range": "bytes=2-"}):
        (await store.get(path, headers=wanted)).is_status(200, 206)
    (await store.head(path)).is_status(200)
    await store.wait(0)
    [found] = (await store.read("/storage-usage"))["most_accessed"]
    assert (found["id"], found["access_count"]) == (read, 2)


async def test_d003_d006_time_range_analysis_counts_segments(store):
    flow = await store.flow()
    await store.segments(flow["id"], HALVES)
    found = await analysed(store, "time-range-analysis")
    assert found["total_segments"] == 4
    assert found["total_duration_seconds"] == 106
    assert found["time_coverage"] == {
        "start_date": "1970-01-01T00:00:00.000000Z",
        "end_date": "1970-01-01T01:01:30.000000Z",
        "total_coverage_hours": 106 / 3600,
    }
    assert (await store.head("/time-range-analysis")).is_status(200).body == b""


async def test_d009_d010_d011_time_range_analysis_knows_durations(store):
    empty = await analysed(store, "time-range-analysis")
    assert (empty["total_segments"], empty["average_duration"]) == (0, 0)
    assert empty["time_coverage"]["start_date"] is None
    flow = await store.flow()
    await store.segments(flow["id"], HALVES)
    found = await analysed(store, "time-range-analysis")
    assert found["average_duration_seconds"] == 26.5
    assert (found["min_duration_seconds"], found["max_duration_seconds"]) == (2, 90)
    assert found["total_duration"] == "106:0"
    assert found["duration_distribution"] == {"short": 2, "medium": 1, "long": 1}
    ranges = {"0-10s": 2, "10-30s": 1, "30-60s": 0, "60s+": 1}
    assert found["time_range_distribution"] == ranges
    assert found["duration_percentiles"] == {"p25": 2, "p50": 2, "p75": 12, "p90": 90, "p95": 90}
    hourly = found["temporal_patterns"]["hourly"]
    assert (hourly["00"], hourly["01"], sum(hourly.values())) == (3, 1, 4)
    assert found["temporal_patterns"]["daily"]["thursday"] == 4


async def test_d013_the_catalogue_is_summed_up(store):
    flow = await store.flow()
    await store.segments(flow["id"], HALVES)
    found = await store.read(SUMMARY)
    names = [
        "deletion_requests",
        "flows",
        "objects",
        "profiles",
        "segments",
        "sources",
        "webhooks",
    ]
    assert (found["total_tables"], found["table_names"]) == (len(names), names)
    rows = {name: stats["total_rows"] for name, stats in found["table_stats"].items()}
    assert (rows["flows"], rows["sources"], rows["segments"], rows["objects"]) == (1, 1, 4, 4)


async def test_d014_d015_filters_change_the_result(store):
    video, audio = await store.flow(), await store.flow("audio")
    await uploaded(store, video["id"], "[0:0_1:0)", b"x" * 700)
    await store.segments(audio["id"], HALVES)
    await store.wait(0)
    now = datetime.now(UTC)
    early, late = (now + timedelta(days=days) for days in (-3650, 3650))
    for name, total, ours, others in (
        ("flow-usage", "total_flows", 1, 1),
        ("storage-usage", "total_objects", 1, 4),
        ("time-range-analysis", "total_segments", 1, 4),
    ):

        async def counts(name=name, total=total, **filters):
            return (await analysed(store, name, **filters))[total]

        assert await counts() == ours + others
        assert await counts(flow_id=video["id"]) == ours
        assert await counts(flow_id=new_id()) == 0
        assert await counts(source_id=audio["source_id"]) == others
        assert await counts(format=VIDEO) == ours
        assert await counts(format=VIDEO, source_id=audio["source_id"]) == 0
        if name == "time-range-analysis":
            continue
        assert await counts(start_time=early.isoformat(), end_time=late.isoformat()) == (
            ours + others
        )
        assert await counts(start_time=late.isoformat()) == 0
        assert await counts(end_time=early.date().isoformat()) == 0


async def test_segments_are_filtered_by_where_they_start_on_the_timeline(store):
    flow = await store.flow()
    await store.segments(flow["id"], HALVES)

    async def durations(start, end):
        found = await analysed(store, "time-range-analysis", start_time=start, end_time=end)
        return found["total_segments"], found["total_duration_seconds"]

    assert await durations("1970-01-01T00:00:00Z", "1970-01-01T01:00:00Z") == (3, 16)
    assert await durations("1970-01-01T00:00:01", "1970-01-01T00:00:04Z") == (1, 2)
    assert await durations("1970-01-01T02:00:04+02:00", "1970-01-02") == (2, 102)
    assert await durations("1969-12-31", "9999-12-31") == (4, 106)
    assert await durations("1999-12-31", "9999-12-31") == (0, 0)


async def test_storage_is_told_by_backend(store):
    flow = await store.flow()
    backends = await store.read("/service/storage-backends")
    hot, cold = (
        next(one["id"] for one in backends if one.get("default_storage", False) is is_hot)
        for is_hot in (True, False)
    )
    await store.segment(flow["id"], "[0:0_1:0)")
    [there] = await store.allocate(flow["id"], 1, storage_id=cold)
    await store.segment(flow["id"], "[1:0_2:0)", object_id=there["object_id"])
    for storage_id, number in ((hot, 1), (cold, 1), (new_id(), 0)):
        found = await analysed(store, "storage-usage", storage_backend_id=storage_id)
        assert found["total_objects"] == number
    found = await analysed(store, "storage-usage", storage_backend_id=cold)
    assert [one["id"] for one in found["least_accessed"]] == [there["object_id"]]


async def test_what_is_filtered_agrees_with_what_is_not(store):
    """Rollups and the look at every row give the same numbers."""
    for kind in ("video", "audio"):
        flow = await store.flow(kind)
        for number in range(3):
            used = await uploaded(store, flow["id"], f"[{number}:0_{number + 1}:0)", b"x" * number)
        await store.read(f"/objects/{used}")
    await store.segment(flow["id"], "[7:0_8:0)", object_id=used, ts_offset="5:0")
    await store.wait(0)
    for name in ("storage-usage", "time-range-analysis"):
        plain = await analysed(store, name)
        looked = await analysed(store, name, start_time="1960-01-01", end_time="2100-01-01")
        assert set(plain) - set(looked) <= {"storage_efficiency"}
        for metric in looked:
            if metric not in ("most_accessed", "storage_growth_rate"):
                assert looked[metric] == plain[metric], metric


async def test_d017_what_is_gone_is_not_counted(store):
    flow, other = await store.flow(), await store.flow()
    await store.segments(flow["id"], HALVES)
    await store.segments(other["id"], HALVES)
    await store.delete(f"/flows/{other['id']}/segments?timerange=[0:0_3:0)")
    assert (await store.read("/time-range-analysis"))["total_segments"] == 7
    (await store.delete(f"/flows/{flow['id']}")).is_status(204)
    assert (await store.read("/flow-usage"))["total_flows"] == 1
    assert (await store.read("/storage-usage"))["total_objects"] == 3
    assert (await store.read("/time-range-analysis"))["total_segments"] == 3
    assert (await store.read(SUMMARY))["table_stats"]["objects"] == {"total_rows": 3}


async def test_csv_has_the_same_numbers(store):
    flow = await store.flow()
    await store.segments(flow["id"], HALVES)
    for path in (*(f"/{name}" for name in NAMES), SUMMARY):
        plain = (await store.get(path)).is_status(200)
        assert plain.headers["Content-Type"] == "application/json"
        answer = (await store.get(path, headers={"Accept": "text/csv"})).is_status(200)
        assert answer.headers["Content-Type"].startswith("text/csv")
        assert "Accept" in answer.headers["Vary"].split(", ")
        head, *lines = csv.reader(answer.body.decode().splitlines())
        assert head == ["metric", "value"]
        found = dict(lines)
        for name, value in json.loads(plain.body).items():
            if isinstance(value, int | float):
                assert float(found[name]) == value
            elif isinstance(value, dict):
                assert all(f"{name}.{key}" in "\n".join(found) for key in value)


@pytest.mark.parametrize(
    ("accept", "csv_wanted"),
    [
        ("", False),
        ("*/*", False),
        ("text/html, */*;q=0.8", False),
        ("text/csv", True),
        ("TEXT/CSV; q=0.9, */*; q=0.1", True),
        ("text/csv;q=0.5, application/json", False),
        ("text/csv;q=0", False),
        ("text/*", True),
    ],
)
async def test_csv_is_for_who_prefers_it(accept, csv_wanted):
    assert wants_csv(accept) is csv_wanted


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("wrong", "value"),
    [
        ("start_time", "yesterday"),
        ("start_time", ""),
        ("end_time", "2026-13-01"),
        ("end_time", "0001-01-01T00:00:00+23:00"),
        ("source_id", "five"),
        ("flow_id", "five"),
        ("format", "video"),
        ("storage_backend_id", "five"),
    ],
)
async def test_a_wrong_filter_is_refused_by_name(server, name, wrong, value):
    for path in (f"/{name}", f"/analytics/{name}"):
        refusal = await server.get(path + query({wrong: value}))
        assert refusal.is_status(400).json["summary"].startswith(f"{wrong}: ")


async def test_a_filter_that_does_not_fit_is_refused(server):
    asked = query(start_time="2026-01-02", end_time="2026-01-01")
    for name in NAMES:
        refusal = (await server.get(f"/{name}{asked}")).is_status(400)
        assert refusal.json["summary"].startswith("end_time: ")
    for path in ("/flow-usage", "/time-range-analysis", SUMMARY):
        refusal = (await server.get(f"{path}?storage_backend_id={new_id()}")).is_status(400)
        assert refusal.json["summary"].startswith("storage_backend_id: ")
    for method in ("POST", "PUT", "DELETE"):
        (await server.request(method, "/flow-usage")).is_status(405)


async def test_verified_uploads_are_measured_as_they_are_registered(tmp_path):
    async with serving(tmp_path, "sqlite:///:memory:", verify_uploads="true") as server:
        flow = await server.flow()
        await uploaded(server, flow["id"], "[0:0_1:0)", b"x" * 70)
        found = await server.read("/storage-usage")
        assert (found["total_size_bytes"], found["unmeasured_objects"]) == (70, 0)


async def test_what_a_process_has_counted_is_written_down_when_it_ends(tmp_path):
    catalogue = f"sqlite:///{tmp_path}/catalogue.sqlite"
    async with serving(tmp_path, catalogue, background="false") as server:
        flow = await server.flow()
        read = await uploaded(server, flow["id"], "[0:0_1:0)", b"media")
        await server.read(f"/objects/{read}")
    async with serving(tmp_path, catalogue) as server:
        [found] = (await server.read("/storage-usage"))["most_accessed"]
        assert (found["id"], found["access_count"]) == (read, 1)
