"""The vendor's sample workflow against a real server: by its client, and by curl.

The same steps are taken in the standard's shape at the root.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.dialects.sample import TIMEOUT_S, TAMSClient
from tests.durability.process import server_process

CONTENT = bytes(range(256)) * 12
TIMERANGE = "[0:0_10:0)"
DATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server listens that was started as an operator does."""
    with server_process(tmp_path_factory.mktemp("server"), "") as server:
        yield server.url


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """A file of 3072 bytes."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(CONTENT)
    return path


def source_body() -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "format": "urn:x-nmos:format:video",
        "label": "Camera 4",
        "description": "above the goal",
    }


def flow_body(source_id: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "source_id": source_id,
        "format": "urn:x-nmos:format:video",
        "codec": "video/mp4",
        "frame_width": 1920,
        "frame_height": 1080,
        "frame_rate": "25/1",
        "label": "Camera 4, HD",
        "description": "as it came",
    }


def segment_body() -> dict[str, Any]:
    return {
        "object_id": str(uuid.uuid4()),
        "timerange": TIMERANGE,
        "sample_offset": 0,
        "sample_count": 250,
    }


def agrees(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert {name: found.get(name) for name in wanted} == wanted


def test_a020_a060_a100_e001_f016_the_ten_steps_by_the_client(url: str, media: Path) -> None:
    client = TAMSClient(f"{url}/vast")
    source, segment = source_body(), segment_body()
    made = client.create_source(source)
    agrees(made, source | {"tags": {}, "source_collection": [], "collected_by": []})
    assert DATED.fullmatch(made["created"])
    assert made["created"] == made["updated"]

    flow = flow_body(source["id"])
    made = client.create_flow(flow)
    agrees(made, flow | {"read_only": False, "tags": {}, "flow_collection": None})
    assert DATED.fullmatch(made["created"])
    assert DATED.fullmatch(made["updated"])
    assert "container" not in made

    made = client.create_segment(flow["id"], segment, media)
    agrees(made, segment | {"flow_id": flow["id"], "file_size": 3072, "content_type": "video/mp4"})
    today = f"{datetime.now(UTC):%Y/%m/%d}"
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y/%m/%d}"
    folders = [f"tams/{day}/{flow['id']}/{segment['object_id']}" for day in (today, yesterday)]
    assert made["storage_path"].startswith(tuple(folders))
    assert made["storage_path"].endswith(".mp4")
    assert uuid.UUID(made["id"]).version == 5
    assert DATED.fullmatch(made["created"])
    assert DATED.fullmatch(made["updated"])

    listed = client.get_segments(flow["id"])
    assert listed["paging"] == {"limit": 100, "offset": 0, "total": 1}
    [one] = listed["data"]
    agrees(one, {name: made[name] for name in made if name != "get_urls"})

    got = client.get(f"/flows/{flow['id']}/segments/{made['id']}/data")
    assert got.status_code == 200
    assert got.headers["Content-Type"] == "video/mp4"
    assert got.headers["Content-Length"] == "3072"
    assert got.content == CONTENT

    signed = client.get(f"/flows/{flow['id']}/segments/{made['id']}/url").json()
    assert signed.keys() == {"url", "expires_at", "operation"}
    assert signed["operation"] == "get_object"
    left = datetime.fromisoformat(signed["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=2)
    assert requests.get(signed["url"], timeout=TIMEOUT_S).content == CONTENT

    agrees(client.get(f"/flows/{flow['id']}").json(), flow)
    agrees(client.get(f"/sources/{source['id']}").json(), source)

    assert client.delete_flow(flow["id"])
    gone = client.get(f"/flows/{flow['id']}")
    assert (gone.status_code, gone.json()) == (404, {"detail": "Flow not found"})
    assert client.get_segments(flow["id"]) == {
        "data": [],
        "paging": {"limit": 100, "offset": 0, "total": 0},
    }
    assert client.delete_source(source["id"])
    gone = client.get(f"/sources/{source['id']}")
    assert (gone.status_code, gone.json()) == (404, {"detail": "Source not found"})


def test_the_dialect_may_be_spoken_at_the_root(tmp_path: Path) -> None:
    with server_process(tmp_path, "", root_dialect="vast") as server:
        client = TAMSClient(server.url)
        made = client.create_source(source_body())
        assert client.get("/sources").json()["data"] == [made]
        [at_v8] = client.get("/v8.2/sources").json()
        assert (at_v8["id"], "tags" in at_v8) == (made["id"], False)
        assert client.get("/health").status_code == 200
        assert client.get("/openapi.json").json()["paths"]
        assert client.get("/flows/").json().keys() >= {"detail"}


def curl(*words: str) -> tuple[int, bytes]:
    """The status and the body of an answer."""
    command = ["curl", "-sS", "-m", str(TIMEOUT_S), "-w", "\n%{http_code}", *words]
    said = subprocess.run(command, check=True, capture_output=True).stdout
    body, _, status = said.rpartition(b"\n")
    return int(status), body


def posted(url: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    as_json = ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    status, answer = curl("-X", "POST", url, *as_json)
    return status, json.loads(answer)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a101_the_steps_by_curl(url: str, media: Path, tmp_path: Path) -> None:
    base = f"{url}/vast"
    source = source_body()
    flow, segment = flow_body(source["id"]), segment_body()
    assert posted(f"{base}/sources", source)[0] == 201
    assert posted(f"{base}/flows", flow)[0] == 201
    segments = f"{base}/flows/{flow['id']}/segments"
    status, body = curl(
        "-X", "POST", segments, "-F", f"segment={json.dumps(segment)}", "-F", f"file=@{media}"
    )
    assert status == 201, body
    made = json.loads(body)
    status, body = curl(segments)
    assert (status, [one["id"] for one in json.loads(body)["data"]]) == (200, [made["id"]])
    fetched = tmp_path / "fetched.mp4"
    assert curl("-o", str(fetched), f"{segments}/{made['id']}/data")[0] == 200
    assert fetched.read_bytes() == CONTENT
    status, body = curl(f"{segments}/{made['id']}/url")
    assert (status, json.loads(body)["operation"]) == (200, "get_object")
    how = "soft_delete=true&cascade=true&deleted_by=test-user"
    assert curl("-X", "DELETE", f"{base}/flows/{flow['id']}?{how}") == (204, b"")
    assert curl("-X", "DELETE", f"{base}/sources/{source['id']}?{how}") == (204, b"")
    assert curl(f"{base}/sources/{source['id']}")[0] == 404


def test_the_same_steps_in_the_standards_shape_at_the_root(url: str, media: Path) -> None:
    client = TAMSClient(url)
    source, segment = source_body(), segment_body()
    made = client.create_source(source)
    agrees(made, source)
    assert "tags" not in made
    flow = flow_body(source["id"])
    made = client.create_flow(flow)
    agrees(made, {name: flow[name] for name in ("id", "source_id", "codec", "label")})
    assert made["essence_parameters"] == {
        "frame_width": 1920,
        "frame_height": 1080,
        "frame_rate": {"numerator": 25, "denominator": 1},
    }
    made = client.create_segment(flow["id"], segment, media)
    agrees(made, segment)
    [one] = client.get_segments(flow["id"])
    agrees(one, segment)
    assert requests.get(one["get_urls"][0]["url"], timeout=TIMEOUT_S).content == CONTENT
    data = client.get(f"/flows/{flow['id']}/segments/{made['id']}/data")
    assert data.content == CONTENT
    signed = client.get(f"/flows/{flow['id']}/segments/{made['id']}/url").json()
    assert requests.get(signed["url"], timeout=TIMEOUT_S).content == CONTENT
    assert client.get(f"/flows/{flow['id']}").json()["container"] == "video/mp4"
    assert client.get(f"/sources/{source['id']}").status_code == 200
    assert client.delete_flow(flow["id"])
    assert client.get(f"/flows/{flow['id']}").status_code == 404
    assert client.get_segments(flow["id"]) == []
    assert client.delete_source(source["id"])
    assert client.get(f"/sources/{source['id']}").status_code == 404
