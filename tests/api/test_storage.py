"""`/flows/{flowId}/storage` over HTTP, beside what the checks of the standard see."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tams.conformance.server import new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_allocation_is_a_201_with_what_an_upload_needs(server):
    flow_id = (await server.flow())["id"]
    answer = (await server.post(f"/flows/{flow_id}/storage", {"limit": 2})).is_status(201)
    assert answer.headers["Content-Type"] == "application/json"
    assert set(answer.json) == {"media_objects"}
    for item in answer.json["media_objects"]:
        assert item["presigned"] is True
        assert item["put_url"]["content-type"] == "video/mp2t"
        assert item["put_url"]["url"].startswith(f"{server.base}/media/")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"limit": 0}, "limit: it must be 1 or more"),
        ({"limit": 1, "object_ids": ["a"]}, "limit: it must be left out"),
        ({"object_ids": []}, "object_ids: it must hold at least one id"),
        ({"object_ids": ["x" * 1025]}, "object_ids: each id must have 1 to 1024 bytes"),
        ({"storage_id": new_id()}, "storage_id: it must be listed by Storage Backends"),
        ({"storage_id": "hot"}, "storage_id: it must be the id of a Storage Backend"),
        ({"content_type": "ts"}, "content_type: it must be a MIME type"),
        ({"presigned": False}, "presigned: this store gives presigned URLs only"),
        ({"presigned": "yes"}, "presigned: it must be a valid boolean"),
        ([], "body: "),
    ],
)
async def test_a_bad_request_is_refused_by_field_value_and_rule(server, body, message):
    flow_id = (await server.flow())["id"]
    answer = (await server.post(f"/flows/{flow_id}/storage", body)).is_status(400)
    assert answer.json["message"].startswith(message)


async def test_an_id_that_is_taken_is_said_to_exist(server):
    flow_id, object_id = (await server.flow())["id"], new_id()
    path, body = f"/flows/{flow_id}/storage", {"object_ids": [object_id]}
    (await server.post(path, body)).is_status(201)
    message = (await server.post(path, body)).is_status(400).json["message"]
    assert "already exist" in message
    assert object_id in message


async def test_an_object_never_registered_is_gone_in_time(server):
    flow_id, object_id = (await server.flow())["id"], new_id()
    path, body = f"/flows/{flow_id}/storage", {"object_ids": [object_id]}
    (await server.post(path, body)).is_status(201)
    await server.wait(7200 + 120)
    (await server.post(path, body)).is_status(201)


async def test_one_id_goes_to_one_of_several_flows_at_once(server):
    flow_ids = [(await server.flow())["id"] for _ in range(6)]
    for _ in range(5):
        object_id = new_id()
        elsewhere = {"url": "https://media.example/a", "label": new_id()}
        held = {"object_id": object_id, "timerange": "[0:0_1:0)", "get_urls": [elsewhere]}
        asked = {"object_ids": [object_id, new_id()]}
        storage = (server.post(f"/flows/{each}/storage", asked) for each in flow_ids[:4])
        segments = (server.post(f"/flows/{each}/segments", held) for each in flow_ids[4:])
        answers = await asyncio.gather(*storage, *segments)
        assert Counter(answer.status for answer in answers) == {201: 1, 400: 5}
        for flow_id in flow_ids:
            (await server.delete(f"/flows/{flow_id}/segments")).is_status(204)
