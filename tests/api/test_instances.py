"""`/objects/{objectId}/instances` over HTTP, beside what the checks of the standard see."""

from __future__ import annotations

import asyncio

import pytest

from tams.conformance.media import object_path, store
from tams.conformance.server import new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def backend(server, *, default):
    """The id of the backend that is the default, or of the other."""
    found = await server.read("/service/storage-backends")
    return next(each["id"] for each in found if each.get("default_storage", False) == default)


async def segments_of(server, flow_id):
    return (await server.read(f"/flows/{flow_id}/segments"))[0]["get_urls"]


async def test_an_object_moves_from_one_backend_to_another(server):
    content = b"\x47" + bytes(1_000_000)
    flow_id = (await server.flow())["id"]
    object_id = await store(server, flow_id, "[0:0_1:0)", content)
    path = f"{object_path(object_id)}/instances"
    hot, cold = [await backend(server, default=default) for default in (True, False)]
    answer = (await server.post(path, {"storage_id": cold})).is_status(201)
    assert answer.json == {}
    (old,) = await segments_of(server, flow_id)
    await server.wait(0)
    assert len(await segments_of(server, flow_id)) == 2
    (await server.delete(f"{path}?storage_id={hot}")).is_status(204)
    (new,) = await segments_of(server, flow_id)
    assert new["url"] != old["url"]
    for url in (old["url"], new["url"]):
        assert (await server.get(url)).is_status(200).body == content
    (await server.get(f"/flows/{flow_id}/segments?accept_storage_ids={cold}")).is_status(200)
    again = (await server.delete(f"{path}?storage_id={cold}")).is_status(400)
    assert again.json["message"].startswith("storage_id: an Object keeps its last instance")


async def test_of_many_who_ask_for_one_copy_one_gets_it(server):
    object_id = await store(server, (await server.flow())["id"], "[0:0_1:0)")
    path = f"{object_path(object_id)}/instances"
    cold = await backend(server, default=False)
    answers = await asyncio.gather(*(server.post(path, {"storage_id": cold}) for _ in range(6)))
    assert sorted(answer.status for answer in answers) == [201, *[400] * 5]
    await server.wait(0)
    assert len((await server.read(object_path(object_id)))["get_urls"]) == 2


@pytest.mark.parametrize("asked", ["", "?storage_id=", "?label=", "?storage_id=x"])
async def test_a_bad_request_to_remove_changes_nothing(server, asked):
    object_id = await store(server, (await server.flow())["id"], "[0:0_1:0)")
    path = object_path(object_id)
    before = await server.read(path)
    (await server.delete(f"{path}/instances{asked}")).is_status(400 if asked == "" else 404)
    assert await server.read(path) == before


async def test_an_instance_of_an_object_with_any_id(server):
    flow_id = (await server.flow())["id"]
    object_id = f"{new_id()}/ü?"
    asked = {"object_ids": [object_id]}
    (item,) = (await server.post(f"/flows/{flow_id}/storage", asked)).json["media_objects"]
    await server.upload(item, b"bytes")
    await server.segment(flow_id, "[0:0_1:0)", object_id=object_id)
    body = {"storage_id": await backend(server, default=False)}
    path = object_path(object_id)
    (await server.post(f"{path}/instances", body)).is_status(201)
    await server.wait(0)
    for entry in (await server.read(path))["get_urls"]:
        assert (await server.get(entry["url"])).is_status(200).body == b"bytes"
