"""What the vendor's documents say of Segments, where the standard says the same."""

from __future__ import annotations

from datetime import datetime

import pytest

from tams.conformance.server import new_id
from tams.domain.patterns import UUID
from tests.extensions.forms import declared, file, send, uploaded

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = bytes(range(256)) * 12


async def filled(server, number=5):
    """The path of a Flow's Segments of one second, and the ids of their Objects."""
    flow_id = (await server.flow())["id"]
    bodies = await server.segments(flow_id, [f"[{n}:0_{n + 1}:0)" for n in range(number)])
    return f"/flows/{flow_id}/segments", [body["object_id"] for body in bodies]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timerange", "[0:0-10:0)"),
        ("timerange", "[00:0_10:0)"),
        ("timerange", "[0:0_10:0000000000)"),
        ("timerange", "{0:0_10:0}"),
        ("timerange", "0-10"),
        ("timerange", None),
        ("ts_offset", "1"),
        ("ts_offset", "+1:0"),
        ("ts_offset", "1:-5"),
        ("ts_offset", 1),
        ("last_duration", "1.5"),
        ("last_duration", "01:0"),
    ],
)
@pytest.mark.parametrize("as_form", [True, False])
async def test_a112_times_that_fit_no_pattern_are_refused(server, name, value, as_form):
    flow_id = (await server.flow())["id"]
    body = {"object_id": new_id(), "timerange": "[0:0_10:0)", name: value}
    if as_form:
        answer = await send(server, flow_id, declared(body), file(CONTENT))
    else:
        answer = await server.post(f"/flows/{flow_id}/segments", body)
    assert f"{name}: it must be a" in answer.is_status(400).json["detail"]
    assert await server.read(f"/flows/{flow_id}/segments") == []


@pytest.mark.parametrize("as_form", [True, False])
async def test_a113_a_timerange_needs_no_brackets(server, as_form):
    flow_id = (await server.flow())["id"]
    if as_form:
        await uploaded(server, flow_id, CONTENT, timerange="0:0_3600:0")
    else:
        await server.segment(flow_id, "0:0_3600:0")
    [found] = await server.read(f"/flows/{flow_id}/segments")
    assert found["timerange"] == "[0:0_3600:0]"


async def test_a_form_may_tell_a_timerange_by_the_clock(server):
    flow_id = (await server.flow())["id"]
    clock = "[00:00:00.000,00:05:00.040)"
    told = await uploaded(server, flow_id, CONTENT, timerange=clock)
    assert told["timerange"] == "[0:0_300:40000000)"
    body = {"object_id": told["object_id"], "timerange": clock}
    (await server.post(f"/flows/{flow_id}/segments", body)).is_status(400)


async def test_a118_segments_are_filtered_by_time_and_object_and_come_in_pages(server):
    path, ids = await filled(server)
    found = await server.read(f"{path}?timerange=[1:500000000_3:0)")
    assert [one["object_id"] for one in found] == ids[1:3]
    assert [one["timerange"] for one in await server.read(f"{path}?object_id={ids[4]}")] == [
        "[4:0_5:0)"
    ]
    first = (await server.get(f"{path}?limit=3")).is_status(200)
    assert [one["object_id"] for one in first.json] == ids[:3]
    page = first.headers["X-Paging-NextKey"]
    assert [one["object_id"] for one in await server.read(f"{path}?limit=3&page={page}")] == ids[3:]


async def test_a121_the_segments_of_no_flow_are_none(server):
    assert await server.read(f"/flows/{new_id()}/segments") == []
    path, _ = await filled(server)
    (await server.delete(path.removesuffix("/segments"))).is_status(204)
    assert await server.read(path) == []


async def test_a130_storage_is_allocated_by_number_or_by_ids(server):
    flow_id = (await server.flow())["id"]
    numbered = await server.allocate(flow_id, 3)
    assert len({one["object_id"] for one in numbered}) == 3
    wanted = [new_id(), new_id()]
    answer = await server.post(f"/flows/{flow_id}/storage", {"object_ids": wanted})
    named = answer.is_status(201).json["media_objects"]
    assert [one["object_id"] for one in named] == wanted
    assert all(one["put_url"]["url"].startswith("http") for one in [*numbered, *named])


async def test_a131_b078_urls_to_put_and_to_get_are_good_for_an_hour(server):
    flow_id = (await server.flow())["id"]
    first, second, third = await server.allocate(flow_id, 3)
    (await server.upload(first, CONTENT)).is_status(200)
    await server.segment(flow_id, "[0:0_1:0)", object_id=first["object_id"])
    [found] = await server.read(f"/flows/{flow_id}/segments")
    url = found["get_urls"][0]["url"]
    await server.wait(3599)
    (await server.upload(second, CONTENT)).is_status(200)
    assert (await server.get(url)).is_status(200).body == CONTENT
    await server.wait(900 + 62)
    (await server.upload(third, CONTENT)).is_status(403)
    (await server.get(url)).is_status(403)


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "video/mp2t"}])
async def test_a132_l18_an_upload_needs_no_header(server, headers):
    [allocated] = await server.allocate((await server.flow())["id"])
    url = allocated["put_url"]["url"]
    async with server.session.put(
        url, data=CONTENT, headers=headers, skip_auto_headers=["Content-Type"]
    ) as answer:
        assert answer.status == 200


async def test_b079_get_urls_are_made_when_they_are_read(server):
    path, _ = await filled(server, 1)
    [before] = await server.read(path)
    await server.wait(10_000)
    [after] = await server.read(path)
    assert before["get_urls"] != after["get_urls"]
    (await server.get(before["get_urls"][0]["url"])).is_status(403)
    (await server.get(after["get_urls"][0]["url"])).is_status(404)  # good, of bytes not uploaded


async def test_b080_b081_l10_a_get_url_says_where_it_leads(server):
    path, [object_id] = await filled(server, 1)
    [found] = await server.read(f"{path}?verbose_storage=true")
    [entry] = found["get_urls"]
    backends = await server.read("/service/storage-backends")
    backend = next(one for one in backends if one.get("default_storage"))
    assert UUID.fullmatch(entry["storage_id"])
    assert entry["storage_id"] == backend["id"]
    for name in ("store_type", "provider", "store_product", "region", "label"):
        assert entry[name] == backend[name]
    assert entry["store_type"] == "http_object_store"
    assert (entry["presigned"], entry["controlled"]) == (True, True)
    plain = (await server.read(path))[0]["get_urls"]
    assert set(plain[0]) == {"url", "presigned", "label"}
    assert object_id in entry["url"]


async def test_b085_media_lie_in_one_of_several_backends(server):
    backends = await server.read("/service/storage-backends")
    assert len(backends) == 2
    assert [one.get("default_storage") for one in backends].count(True) == 1
    flow_id = (await server.flow())["id"]
    for backend in backends:
        [allocated] = await server.allocate(flow_id, storage_id=backend["id"])
        assert f"/{backend['id']}/" in allocated["put_url"]["url"]
    chosen = next(one["id"] for one in backends if one.get("default_storage"))
    assert f"/{chosen}/" in (await server.allocate(flow_id))[0]["put_url"]["url"]
    unknown = {"limit": 1, "storage_id": new_id()}
    refusal = (await server.post(f"/flows/{flow_id}/storage", unknown)).is_status(400)
    assert refusal.json["summary"].startswith("storage_id")
    form = await send(
        server, flow_id, declared({"timerange": "[0:0_1:0)"}), file(b"x"),
        query=f"?storage_id={new_id()}",
    )  # fmt: skip
    assert form.is_status(400).json["summary"].startswith("storage_id")


async def test_b086_one_upload_serves_several_segments(server):
    flow_id, other = (await server.flow())["id"], (await server.flow())["id"]
    told = await uploaded(server, flow_id, CONTENT)
    again = {"object_id": told["object_id"], "timerange": "[20:0_25:0)", "ts_offset": "18:0"}
    for place in (flow_id, other):
        (await server.post(f"/flows/{place}/segments", again)).is_status(201)
    found = [
        *await server.read(f"/flows/{flow_id}/segments"),
        *await server.read(f"/flows/{other}/segments"),
    ]
    assert len(found) == 3
    assert {one["get_urls"][0]["url"].partition("?")[0] for one in found} == {
        told["get_urls"][0]["url"].partition("?")[0]
    }
    for one in found:
        assert (await server.get(one["get_urls"][0]["url"])).is_status(200).body == CONTENT
    assert sum(path.name.startswith(told["object_id"]) for path in server.folder.rglob("*")) == 1
    assert datetime.fromisoformat(told["created"])
