"""The vendor's paths for webhooks and deletion requests: the same things as the standard's."""

from __future__ import annotations

import pytest

from tams.conformance.server import new_id
from tams.conformance.subscriptions import idle_body
from tests.ledger import ledger
from tests.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

STANDARD = "/service/webhooks"
REQUESTS = "/flow-delete-requests"
WEEK_S = 7 * 86400


async def kept(server):
    """All that the server keeps."""
    return await ledger(server.catalogue, server.folder)


async def flow_with(server, number):
    """The id of a new Flow of that many Segments of a second."""
    flow_id = (await server.flow())["id"]
    await server.segments(flow_id, [f"[{at}:0_{at + 1}:0)" for at in range(number)])
    return flow_id


async def test_a180_a186_a_webhook_that_is_posted_is_in_the_next_list(server):
    body = idle_body()
    made = (await server.post("/webhooks", body)).is_status(201).json
    assert made["url"] == body["url"]
    for path in ("/webhooks", STANDARD):
        assert made in await server.read(f"{path}?limit=1000")
        assert await server.read(f"{path}/{made['id']}") == made
    changed = made | {"events": ["flows/deleted"]}
    assert (await server.put(f"/webhooks/{made['id']}", changed)).is_status(201).json == changed
    assert await server.read(f"{STANDARD}/{made['id']}") == changed
    (await server.delete(f"/webhooks/{made['id']}")).is_status(204)
    for path in ("/webhooks", STANDARD):
        (await server.get(f"{path}/{made['id']}")).is_status(404)


async def test_what_is_wrong_with_a_webhook_is_refused_as_it_is_there(server):
    before = await kept(server)
    for wrong in ({"url": "ftp://example.com"}, {"events": []}, {"flow_ids": ["x"]}, {"x": 1}):
        answers = [await server.post(path, idle_body(**wrong)) for path in ("/webhooks", STANDARD)]
        ours, theirs = [answer.is_status(400).json["summary"] for answer in answers]
        assert ours == theirs
    (await server.post("/webhooks", content=b"{")).is_status(400)
    (await server.get("/webhooks?limit=0")).is_status(400)
    (await server.get("/webhooks/no-id")).is_status(404)
    (await server.put("/webhooks", {})).is_status(405)
    assert await kept(server) == before


@pytest.mark.parametrize("path", ["/webhooks", STANDARD])
async def test_l05_a186_a_webhook_is_there_after_a_restart(tmp_path, catalogue_url, path):
    async with serving(tmp_path, catalogue_url) as before:
        made = (await before.post(path, idle_body(flow_ids=[new_id()]))).is_status(201).json
        assert await before.read(path) == [made]
    async with serving(tmp_path, catalogue_url) as after:
        assert await after.read(path) == [made]
        assert await after.read(f"{path}/{made['id']}") == made


async def test_a188_a_posted_request_deletes_segments(server):
    flow_id = await flow_with(server, 4)
    body = {"flow_id": flow_id, "timerange": "[1:0_3:0)"}
    answer = (await server.post("/deletion-requests", body)).is_status(201)
    request = answer.json
    assert answer.headers["Location"] == f"{server.base}/deletion-requests/{request['id']}"
    assert await server.read(answer.headers["Location"]) == request
    assert request in await server.read("/deletion-requests?limit=1000")
    await server.wait(1)
    left = [each["timerange"] for each in await server.read(f"/flows/{flow_id}/segments")]
    assert left == ["[0:0_1:0)", "[3:0_4:0)"]
    (await server.get(f"/flows/{flow_id}")).is_status(200)


async def test_a188_a_posted_request_without_a_time_deletes_the_flow(server):
    flow_id = await flow_with(server, 2)
    body = {"flow_id": flow_id, "timerange": None}
    request = (await server.post("/deletion-requests", body)).is_status(201).json
    assert (request["flow_id"], request["delete_flow"]) == (flow_id, True)
    assert request["timerange_to_delete"] == "_"
    (await server.get(f"/flows/{flow_id}")).is_status(404)
    assert await server.read(f"/flows/{flow_id}/segments") == []
    await server.wait(1)
    done = await server.read(f"/deletion-requests/{request['id']}")
    assert done["status"] == "done"


async def test_a189_a191_a_request_tells_what_it_deletes_and_how_far_it_is(server):
    flow_id = await flow_with(server, 2)
    body = {"flow_id": flow_id, "timerange": "[0:0_1:0)"}
    request = (await server.post("/deletion-requests", body)).is_status(201).json
    assert request["flow_id"] == flow_id
    assert request["timerange_to_delete"] == "[0:0_1:0)"
    assert request["timerange_remaining"] == "[0:0_1:0)"
    assert (request["delete_flow"], request["status"]) == (False, "created")
    assert request["created"] == request["updated"]
    for path in (REQUESTS, "/deletion-requests"):
        assert await server.read(f"{path}/{request['id']}") == request
        assert request["id"] in await server.ids(path, limit="1000")
        (await server.get(f"{path}/{new_id()}")).is_status(404)
    await server.wait(1)
    done = await server.read(f"{REQUESTS}/{request['id']}")
    assert (done["id"], done["status"]) == (request["id"], "done")
    assert done["updated"] > done["created"]
    await server.wait(WEEK_S)
    (await server.get(f"/deletion-requests/{request['id']}")).is_status(404)


@pytest.mark.parametrize("timerange", ["_", "[5:0_6:0)", None])
async def test_a_request_that_finds_nothing_is_done(server, timerange):
    flow_id = (await server.flow())["id"]
    body = {"flow_id": flow_id, "timerange": timerange}
    request = (await server.post("/deletion-requests", body)).is_status(201).json
    await server.wait(1)
    assert (await server.read(f"{REQUESTS}/{request['id']}"))["status"] == "done"


async def test_what_asks_for_no_deletion_is_refused_and_changes_nothing(server):
    flow_id = await flow_with(server, 1)
    before = await kept(server)
    for wrong, named in (
        ({}, "flow_id: "),
        ({"flow_id": 5}, "flow_id: "),
        ({"flow_id": "x"}, "flow_id: it must be a lower-case UUID"),
        ({"flow_id": flow_id, "timerange": "x"}, "timerange: "),
        ({"flow_id": flow_id, "timerange": 5}, "timerange: "),
        ({"flow_id": flow_id, "timerange": "[00:00:00.000,00:00:10.000)"}, "timerange: "),
    ):
        refusal = (await server.post("/deletion-requests", wrong)).is_status(400)
        assert refusal.json["summary"].startswith(named)
    for content in (b"", b"[]", b"{"):
        (await server.post("/deletion-requests", content=content)).is_status(400)
    (await server.post("/deletion-requests", {"flow_id": new_id()})).is_status(404)
    (await server.post(REQUESTS, {"flow_id": flow_id})).is_status(405)
    assert await kept(server) == before
    await server.set(f"/flows/{flow_id}/read_only", True)
    before = await kept(server)
    for body in ({"flow_id": flow_id}, {"flow_id": flow_id, "timerange": "_"}):
        (await server.post("/deletion-requests", body)).is_status(403)
    assert await kept(server) == before
