"""What receivers are sent: every body is as the official document has it."""

from __future__ import annotations

import pytest

from tams.conformance.subscriptions import EVERY
from tests.official import MISSING, document
from tests.receivers import noting

OPTIONS = (
    {},
    {"verbose_storage": True, "include_object_timerange": True},
    {"presigned": False},
    {"accept_get_urls": []},
)


def complaints(body):
    """In what a body differs from the document."""
    official = document()
    if official is None:
        pytest.skip(MISSING)
    described = official.content["webhooks"][body["event_type"]]["post"]["requestBody"]
    return list(official.differences(described["content"]["application/json"]["schema"], body))


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.asyncio(loop_scope="module")
async def test_each_body_is_valid(server, options):
    async with noting() as receiver:
        body = {"url": receiver.url, "events": list(EVERY), **options}
        hook = (await server.post("/service/webhooks", body)).is_status(201).json
        flow = await server.flow(tags={"a": ["b", "c"]})
        await server.flow("multi", flow_collection=[{"id": flow["id"], "role": "video"}])
        path = f"/flows/{flow['id']}"
        await server.segments(flow["id"], ["[0:0_1:0)", "[1:0_2:0]"])
        await server.wait(1)
        await server.set(f"{path}/label", "told")
        await server.set(f"/sources/{flow['source_id']}/label", "told")
        await server.delete(f"{path}/segments?timerange=[1:0_2:0]")
        await server.delete(path)
        await server.wait(1)
        bodies = [body for _, body in receiver.accepted]
        assert {body["event_type"] for body in bodies} == set(EVERY)
        assert [each for body in bodies for each in complaints(body)] == []
        await server.delete(f"/service/webhooks/{hook['id']}")


def test_a_wrong_body_is_seen():
    wrong = {"event_type": "flows/deleted", "event_timestamp": "today", "event": {}}
    assert len(complaints(wrong)) == 2


@pytest.mark.asyncio(loop_scope="module")
async def test_urls_lead_to_where_the_server_listens(server):
    async with noting() as receiver:
        body = {"url": receiver.url, "events": ["flows/segments_added"]}
        hook = (await server.post("/service/webhooks", body)).is_status(201).json
        flow = await server.flow()
        [allocated] = await server.allocate(flow["id"])
        (await server.upload(allocated, b"media")).is_status(200)
        await server.segment(flow["id"], "[0:0_1:0)", object_id=allocated["object_id"])
        await server.wait(1)
        [(_, told)] = receiver.accepted
        [segment] = told["event"]["segments"]
        answer = await server.get(segment["get_urls"][0]["url"])
        assert answer.is_status(200).body == b"media"
        await server.delete(f"/service/webhooks/{hook['id']}")
