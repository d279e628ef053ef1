"""`TAMSVideoUploader` against a server of ours: as scripts use it, without async."""

from __future__ import annotations

import asyncio
import http.client
import logging
from contextlib import closing
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import aiohttp
import pytest
import structlog
from structlog.testing import capture_logs

from tams.client import TAMSClient, TAMSVideoUploader
from tests.clips import Clip, write_clip
from tests.serving import serving_apart


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A server of ours, in a thread of its own."""
    at = tmp_path_factory.mktemp("store")
    with serving_apart(at, f"sqlite:///{at}/catalogue.sqlite", max_object_size="100000") as url:
        yield url


@pytest.fixture
def log():
    """What was logged, as it would be by default."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    with capture_logs() as lines:
        yield lines
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two clips, one of them in capitals, and a file of another kind."""
    at = tmp_path_factory.mktemp("clips")
    write_clip(at / "1.mp4", Clip(seconds=1))
    (at / "2.MP4").write_bytes((at / "1.mp4").read_bytes())
    write_clip(at / "3.mov", Clip(seconds=1))
    return at


async def flows(base, **filters):
    async with TAMSClient(base) as client:
        return [flow async for flow in client.flows(**filters)]


async def segments(base, flow_id):
    async with TAMSClient(base) as client:
        return [segment async for segment in client.segments(flow_id)]


async def bytes_of(segment):
    async with (
        aiohttp.ClientSession() as session,
        session.get(segment["get_urls"][0]["url"]) as answer,
    ):
        return await answer.read()


async def sources(base, **filters):
    async with TAMSClient(base) as client:
        return [source async for source in client.sources(**filters)]


def run(work):
    return asyncio.run(work)


def test_f007_a_video_is_uploaded_by_its_names(base, folder, log):
    uploader = TAMSVideoUploader(base_url=base)
    done = uploader.upload_video(
        video_path=folder / "1.mp4",
        source_name="My Source",
        flow_name="My Flow",
        resolution="1280x720",
        frame_rate="30/1",
        codec="video/h264",
    )
    assert done is True
    [flow] = run(flows(base, label="My Flow"))
    assert flow["codec"] == "video/h264"
    assert flow["essence_parameters"]["frame_width"] == 1280
    assert flow["essence_parameters"]["frame_height"] == 720
    assert flow["essence_parameters"]["frame_rate"] == {"numerator": 30, "denominator": 1}
    [source] = run(sources(base, label="My Source"))
    assert flow["source_id"] == source["id"]
    [segment] = run(segments(base, flow["id"]))
    assert segment["timerange"] == "[0:0_1:0)"
    assert run(bytes_of(segment)) == (folder / "1.mp4").read_bytes()
    # Given as text, and again.
    assert uploader.upload_video(str(folder / "1.mp4"), "My Source", "My Flow") is True
    assert len(run(segments(base, flow["id"]))) == 1


def test_f007_what_fails_is_false_and_logged_with_its_reason(base, folder, log, tmp_path):
    uploader = TAMSVideoUploader(base)
    assert uploader.upload_video(tmp_path / "none.mp4") is False
    assert "No such file" in log[-1]["error"]
    assert uploader.upload_video(folder / "1.mp4", resolution="large") is False
    assert "resolution: it must be" in log[-1]["error"]
    assert TAMSVideoUploader("ftp://x").upload_video(folder / "1.mp4") is False
    assert "must be an address" in log[-1]["error"]
    assert run(flows(base, label="Video Flow")) == []


def test_an_address_of_another_shape_takes_nothing_and_says_which_does(base, folder, log):
    vendors = TAMSVideoUploader(f"{base}/vast")
    assert vendors.upload_video(folder / "1.mp4", "S", "Nowhere") is False
    assert "GET /vast/flows/" in log[-1]["error"]
    assert "or /v8.2 below it does" in log[-1]["error"]
    assert run(flows(base, label="Nowhere")) == []
    assert TAMSVideoUploader(f"{base}/v8.2").upload_video(folder / "1.mp4", "S", "Here") is True


def test_f014_a_file_that_is_too_large_for_the_server_is_told(base, log, tmp_path):
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(100_001))
    done = TAMSVideoUploader(base).upload_video(large, "S", "Large", duration="1")
    assert done is False
    assert "it is too large for this server (413)" in log[-1]["error"]
    [flow] = run(flows(base, label="Large"))
    assert f"Flow {flow['id']} may be there without its Segment" in log[-1]["error"]


def test_f008_a_folder_is_a_series_of_its_mp4_files(base, folder, log, monkeypatch):
    monkeypatch.setenv("TAMS_API_BASE_URL", base)
    broken = folder / "0.mp4"
    broken.write_bytes(b"no media")
    uploader = TAMSVideoUploader()
    assert uploader.upload_series("My Series", str(folder)) is False
    [source] = run(sources(base, label="My Series"))
    of_series = run(flows(base, source_id=source["id"]))
    assert sorted(flow["label"] for flow in of_series) == ["Episode 02", "Episode 03"]
    assert [line["file"] for line in log if line["log_level"] == "error"] == [str(broken)]
    broken.unlink()
    assert uploader.upload_series("Others", folder, flow_prefix="Part") is True
    [source] = run(sources(base, label="Others"))
    labels = sorted(flow["label"] for flow in run(flows(base, source_id=source["id"])))
    assert labels == ["Part 01", "Part 02"]


def test_f008_what_is_no_folder_or_an_empty_one_is_false(base, folder, log, tmp_path):
    assert TAMSVideoUploader(base).upload_series("S", folder / "1.mp4") is False
    assert "is not a valid directory" in log[-1]["error"]
    assert TAMSVideoUploader(base).upload_series("S", tmp_path) is False
    assert log[-1]["event"] == "there is nothing to upload"


def by_urllib(request):
    with urlopen(request) as answer:
        return answer.status


def by_http_client(url, content):
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.netloc)) as connection:
        connection.request("PUT", f"{parts.path}?{parts.query}", content)
        return connection.getresponse().status


async def test_l19_a_put_url_takes_the_bytes_of_any_client(base):
    """By urllib, by http.client and by aiohttp, with the headers that each adds, and without."""
    flow_id = "6f6e2f0c-52f5-4d0e-9d3c-0f1f3a0b7c11"
    async with TAMSClient(base) as client:
        await client.put_flow(
            {
                "id": flow_id,
                "source_id": "6f6e2f0c-52f5-4d0e-9d3c-0f1f3a0b7c12",
                "format": "urn:x-nmos:format:video",
                "codec": "video/h264",
                "container": "video/mp4",
                "essence_parameters": {"frame_width": 64, "frame_height": 48, "vfr": True},
            }
        )
        rooms = await client.allocate(flow_id, limit=4)
        urls = [room["put_url"]["url"] for room in rooms]
        plain = Request(urls[0], b"urllib", method="PUT")
        typed = Request(urls[1], b"typed", {"Content-Type": "video/mp4"}, method="PUT")
        assert await asyncio.to_thread(by_urllib, plain) == 200
        assert await asyncio.to_thread(by_urllib, typed) == 200
        assert await asyncio.to_thread(by_http_client, urls[2], b"http.client") == 200
        async with aiohttp.ClientSession() as session, session.put(urls[3], data=b"aiohttp") as put:
            assert put.status == 200
        posts = [
            {"object_id": room["object_id"], "timerange": f"[{at}:0_{at + 1}:0)"}
            for at, room in enumerate(rooms)
        ]
        assert await client.add_segments(flow_id, posts) == []
        held = [segment async for segment in client.segments(flow_id)]
    found = [await bytes_of(segment) for segment in held]
    assert found == [b"urllib", b"typed", b"http.client", b"aiohttp"]
