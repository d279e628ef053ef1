"""Single Segments by id: what is known of them, their bytes, and URLs of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import pytest_asyncio

from tams.conformance.server import new_id
from tams.domain.segment_ids import segment_id
from tams.domain.timerange import SECOND
from tests.extensions.forms import declared, file, send, uploaded

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = bytes(range(256)) * 12


@pytest_asyncio.fixture(loop_scope="module")
async def made(server):
    """A Flow's path of Segments, and what the upload of one was answered."""
    flow_id = (await server.flow(container="video/mp4"))["id"]
    body = {"timerange": "[0:0_10:0)", "object_id": f"a/b ü {new_id()}", "sample_count": 250}
    answer = (await send(server, flow_id, declared(body), file(CONTENT))).is_status(201)
    return f"/flows/{flow_id}/segments", answer.json


def escaped(object_id):
    return quote(object_id, safe="")


async def test_a122_a_segment_is_read_by_its_id_or_its_objects(server, made):
    path, told = made
    for name in (told["id"], escaped(told["object_id"])):
        found = await server.read(f"{path}/{name}")
        assert found == told
    head = (await server.head(f"{path}/{told['id']}")).is_status(200)
    assert head.headers["Content-Type"] == "application/json"


async def test_the_id_of_a_segment_comes_before_that_of_an_object(server):
    """An Object that has the id of another Segment is found by that Segment's id no more."""
    flow_id = (await server.flow(container="video/mp4"))["id"]
    first = await uploaded(server, flow_id, b"first", timerange="[5:0_6:0)")
    await uploaded(server, flow_id, b"second", timerange="[0:0_1:0)", object_id=first["id"])
    path = f"/flows/{flow_id}/segments/{first['id']}"
    assert (await server.read(path))["timerange"] == "[5:0_6:0)"
    assert (await server.get(f"{path}/data")).body == b"first"


async def test_of_several_segments_of_an_object_the_earliest_is_meant(server):
    flow_id = (await server.flow(container="video/mp4"))["id"]
    told = await uploaded(server, flow_id, CONTENT, timerange="[10:0_20:0)")
    again = {"object_id": told["object_id"], "timerange": "[-5:0_5:0)", "ts_offset": "-15:0"}
    (await server.post(f"/flows/{flow_id}/segments", again)).is_status(201)
    found = await server.read(f"/flows/{flow_id}/segments/{told['object_id']}")
    assert found["timerange"] == "[-5:0_5:0)"
    assert found["id"] == segment_id(flow_id, -5 * SECOND)


@pytest.mark.parametrize("rest", ["", "/data", "/url", "/tags", "/tags/x"])
async def test_what_is_no_segment_of_the_flow_is_a_404(server, made, rest):
    path, told = made
    other = (await server.flow(container="video/mp4"))["id"]
    flow_id = path.split("/")[2]
    for name in (new_id(), "nothing", segment_id(flow_id, 5 * SECOND), "%FF"):
        (await server.get(f"{path}/{name}{rest}")).is_status(404)
    for stranger in (other, new_id()):
        for name in (told["id"], escaped(told["object_id"])):
            (await server.get(f"/flows/{stranger}/segments/{name}{rest}")).is_status(404)
    (await server.get(f"/flows/nothing/segments/{told['id']}{rest}")).is_status(404)


async def test_a123_b071_the_bytes_come_with_their_type_and_length(server, made):
    path, told = made
    for name in (told["id"], escaped(told["object_id"])):
        answer = (await server.get(f"{path}/{name}/data")).is_status(200)
        assert answer.headers["Content-Type"] == "video/mp4"
        assert answer.headers["Content-Length"] == "3072"
        assert answer.body == CONTENT


async def test_the_bytes_come_in_part_or_not_at_all(server, made):
    path, told = made
    at = f"{path}/{told['id']}/data"
    part = (await server.get(at, headers={"Range": "bytes=10-19"})).is_status(206)
    assert part.body == CONTENT[10:20]
    assert part.headers["Content-Range"] == "bytes 10-19/3072"
    (await server.get(at, headers={"Range": "bytes=5000-"})).is_status(416)
    head = (await server.head(at)).is_status(200)
    assert (head.headers["Content-Length"], head.body) == ("3072", b"")
    kept = {"If-None-Match": head.headers["ETag"]}
    (await server.get(at, headers=kept)).is_status(304)


async def test_b071_what_was_never_uploaded_is_a_404(server):
    flow_id = (await server.flow())["id"]
    body = await server.segment(flow_id, "[0:0_1:0)")
    path = f"/flows/{flow_id}/segments/{body['object_id']}"
    (await server.get(f"{path}/data")).is_status(404)
    found = await server.read(path)
    assert "file_size" not in found
    assert found["content_type"] == "video/mp2t"


async def test_what_was_put_to_a_url_has_its_size_too(server):
    flow_id = (await server.flow())["id"]
    [allocated] = await server.allocate(flow_id)
    (await server.upload(allocated, CONTENT)).is_status(200)
    await server.segment(flow_id, "[0:0_1:0)", object_id=allocated["object_id"])
    found = await server.read(f"/flows/{flow_id}/segments/{allocated['object_id']}")
    assert found["file_size"] == len(CONTENT)


async def test_the_bytes_of_others_are_where_they_are(server):
    flow_id = (await server.flow())["id"]
    place = {"url": "http://media.example/a b.ts", "label": "elsewhere"}
    await server.segment(flow_id, "[0:0_1:0)", object_id=new_id(), get_urls=[place])
    at = f"/flows/{flow_id}/segments/{segment_id(flow_id, 0)}"
    answer = (await server.get(f"{at}/data")).is_status(307)
    assert answer.headers["Location"] == "http://media.example/a%20b.ts"
    told = await server.read(f"{at}/url")
    assert told == {"url": place["url"], "operation": "get_object"}
    assert "storage_path" not in await server.read(at)


async def test_a124_b072_a_url_reads_the_bytes_for_an_hour(server, made):
    path, told = made
    before = datetime.now(UTC)
    answer = await server.read(f"{path}/{told['id']}/url")
    assert set(answer) == {"url", "expires_at", "operation"}
    assert answer["operation"] == "get_object"
    ends = datetime.fromisoformat(answer["expires_at"])
    ahead = ends - before - timedelta(seconds=3600)
    assert (
        timedelta(seconds=-1) <= ahead - await clock_ahead(server, before) < timedelta(seconds=30)
    )
    assert (await server.get(answer["url"])).is_status(200).body == CONTENT
    assert parse_qs(urlsplit(answer["url"]).query)["expires"] == [f"{ends.timestamp():.0f}"]


async def clock_ahead(server, now):
    """By how much earlier tests have put the clock of the server forward."""
    flow = await server.flow()
    return datetime.fromisoformat(flow["created"]) - now


@pytest.mark.parametrize("operation", ["get_object", "head_object"])
async def test_a125_operation_and_time_of_a_url_are_chosen(server, made, operation):
    path, told = made
    answer = await server.read(f"{path}/{told['id']}/url?operation={operation}&expires_in=60")
    assert answer["operation"] == operation
    method = "GET" if operation == "get_object" else "HEAD"
    assert (await server.request(method, answer["url"])).status == 200
    await server.wait(59)
    assert (await server.request(method, answer["url"])).status == 200
    await server.wait(3)
    assert (await server.request(method, answer["url"])).status == 403


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("operation=put_object", "operation: it must be one of get_object, head_object"),
        ("operation=delete_object", "operation: it must be one of get_object, head_object"),
        ("expires_in=0", "expires_in: it must be 1 to 604800 seconds"),
        ("expires_in=604801", "expires_in: it must be 1 to 604800 seconds"),
        ("expires_in=soon", "expires_in: it must be a whole number"),
    ],
)
async def test_a125_no_url_writes_or_deletes_or_lasts_for_ever(server, made, asked, says):
    path, told = made
    refusal = await server.get(f"{path}/{told['id']}/url?{asked}")
    assert refusal.is_status(400).json["summary"].startswith(says)


async def test_get_urls_are_chosen_as_in_lists(server, made):
    path, told = made
    plain = await server.read(f"{path}/{told['id']}?accept_get_urls=")
    assert "get_urls" not in plain
    verbose = await server.read(f"{path}/{told['id']}?verbose_storage=true")
    assert verbose["get_urls"][0]["store_type"] == "http_object_store"


async def test_other_methods_are_refused(server, made):
    path, told = made
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        for rest in ("", "/data", "/url"):
            answer = await server.request(method, f"{path}/{told['id']}{rest}")
            assert answer.status == 405
