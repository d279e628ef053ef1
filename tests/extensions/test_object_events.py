"""Events of Objects, in the history and to webhooks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tams.conformance.server import query
from tams.conformance.subscriptions import EVERY, idle_body
from tests.receivers import noting
from tests.serving import serving
from tests.streams import types

pytestmark = pytest.mark.asyncio(loop_scope="module")

WEBHOOKS = "/service/webhooks"
OBJECTS = ["objects/created", "objects/deleted"]


@pytest.fixture
def open_server(server):
    """The same server, whose webhooks may have events that the official document has not."""
    yield replace(server, examined=None)
    server.examined.complaints.clear()


async def of_objects(server, flow_id):
    """Type and Object of each event of a Flow's Objects."""
    found = await server.read("/events" + query(flow_ids=flow_id, types=",".join(OBJECTS)))
    return [
        (one["event_type"], one["event"].get("object_id") or one["event"]["object"]["id"])
        for one in found
    ]


def ids_of(bodies):
    return [body["object_id"] for body in bodies]


def seconds(number):
    return [f"[{at}:0_{at + 1}:0)" for at in range(number)]


async def test_c003_each_item_of_a_batch_has_its_event(server):
    flow = await server.flow()
    ids = ids_of(await server.segments(flow["id"], seconds(250)))
    assert await of_objects(server, flow["id"]) == [("objects/created", each) for each in ids][:100]
    found = await server.read(
        "/events" + query(flow_ids=flow["id"], types="objects/created", limit="1000")
    )
    assert [one["event"]["object"]["id"] for one in found] == ids
    await server.delete(f"/flows/{flow['id']}/segments")
    found = await server.read(
        "/events" + query(flow_ids=flow["id"], types="objects/deleted", limit="1000")
    )
    assert sorted(one["event"]["object_id"] for one in found) == sorted(ids)
    assert {one["event"]["flow_id"] for one in found} == {flow["id"]}


async def test_an_object_comes_once_and_goes_with_its_last_segment(server):
    flow, other = await server.flow(), await server.flow()
    [first, second] = await server.segments(flow["id"], seconds(2))
    reused = {"object_id": first["object_id"], "timerange": "[0:0_1:0)"}
    new = (await server.allocate(other["id"]))[0]["object_id"]
    body = [reused, {"object_id": new, "timerange": "[1:0_2:0)"}]
    (await server.post(f"/flows/{other['id']}/segments", body)).is_status(201)
    again = {"object_id": new, "timerange": "[2:0_3:0)", "ts_offset": "1:0"}
    (await server.post(f"/flows/{other['id']}/segments", again)).is_status(201)
    assert await of_objects(server, other["id"]) == [("objects/created", new)]
    await server.delete(f"/flows/{flow['id']}/segments")
    assert (await of_objects(server, flow["id"]))[2:] == [("objects/deleted", second["object_id"])]
    (await server.get(f"/objects/{first['object_id']}")).is_status(200)
    await server.delete(f"/flows/{other['id']}/segments?timerange=[0:0_2:0)")
    assert (await of_objects(server, other["id"]))[1:] == [("objects/deleted", first["object_id"])]
    (await server.get(f"/objects/{first['object_id']}")).is_status(404)
    (await server.get(f"/objects/{new}")).is_status(200)


async def test_the_objects_of_a_flow_follow_it_as_they_are_cleared_away(server):
    """They still pass the filters by what collected the Flow."""
    flow = await server.flow()
    multi = await server.flow("multi", flow_collection=[{"id": flow["id"]}])
    ids = ids_of(await server.segments(flow["id"], seconds(120)))
    await server.delete(f"/flows/{flow['id']}")
    await server.wait(1)
    filters = query(
        types="objects/deleted", flow_collected_by_ids=multi["id"], limit="1000",
        source_ids=flow["source_id"],
    )  # fmt: skip
    found = await server.read(f"/events{filters}")
    assert sorted(one["event"]["object_id"] for one in found) == sorted(ids)
    assert {one["event"]["flow_id"] for one in found} == {flow["id"]}


async def test_an_object_of_somebody_elses_is_told_with_its_url(server):
    flow = await server.flow()
    place = {"url": "http://elsewhere.example/1", "label": "elsewhere"}
    object_id = f"{flow['id']}-external"
    await server.segment(flow["id"], "[0:0_1:0)", object_id=object_id, get_urls=[place])
    [made] = await server.read("/events" + query(entity=object_id))
    assert made["event"]["object"] == {
        "id": object_id,
        "referenced_by_flows": [flow["id"]],
        "first_referenced_by_flow": flow["id"],
        "timerange": "[0:0_1:0)",
        "get_urls": [place | {"presigned": False}],
    }


async def test_an_initialisation_object_is_told_with_the_first_that_needs_it(server):
    fields = {"container": "video/mp4"}
    flow = await server.flow(
        **fields,
        essence_parameters={
            "frame_width": 2, "frame_height": 2, "frame_rate": {"numerator": 25},
            "init_segments": True,
        },
    )  # fmt: skip
    init, one, two = ids_of(await server.allocate(flow["id"], 3))
    for at, object_id in enumerate((one, two)):
        await server.segment(flow["id"], seconds(2)[at], object_id=object_id, init_object_id=init)
    assert await of_objects(server, flow["id"]) == [
        ("objects/created", init), ("objects/created", one), ("objects/created", two),
    ]  # fmt: skip
    [made] = await server.read("/events" + query(entity=init))
    assert "timerange" not in made["event"]["object"]
    assert made["event"]["object"]["get_urls"]
    [needing] = await server.read("/events" + query(entity=two))
    assert needing["event"]["object"]["init_object"]["id"] == init
    await server.delete(f"/flows/{flow['id']}/segments")
    gone = [each for kind, each in await of_objects(server, flow["id"]) if kind == OBJECTS[1]]
    assert sorted(gone) == sorted((init, one, two))


async def test_what_was_never_registered_neither_comes_nor_goes(server):
    flow = await server.flow()
    await server.allocate(flow["id"], 2)
    await server.wait(3 * 3600)
    await server.wait(1)
    assert await of_objects(server, flow["id"]) == []


async def test_c001_c004_webhooks_are_told_of_objects_if_they_ask(open_server):
    async with noting() as receiver, noting() as standard:
        for at, events in ((receiver, OBJECTS), (standard, list(EVERY))):
            body = {"url": at.url, "events": events}
            hook = (await open_server.post(WEBHOOKS, body)).is_status(201).json
            assert hook["events"] == events
        flow = await open_server.flow()
        ids = ids_of(await open_server.segments(flow["id"], seconds(3)))
        await open_server.delete(f"/flows/{flow['id']}/segments")
        await open_server.wait(1)
        told = [body for _, body in receiver.accepted]
        assert types(told) == ["objects/created"] * 3 + ["objects/deleted"] * 3
        assert [body["event"]["object"]["id"] for body in told[:3]] == ids
        assert [set(body) for body in told] == [{"event_timestamp", "event_type", "event"}] * 6
        assert len({event_id for event_id, _ in receiver.accepted}) == 6
        assert types([body for _, body in standard.accepted]) == [
            "sources/created", "flows/created", "flows/segments_added", "flows/segments_deleted",
        ]  # fmt: skip
        for hook in await open_server.read(WEBHOOKS):
            await open_server.delete(f"{WEBHOOKS}/{hook['id']}")


async def test_a_receiver_that_fails_in_the_midst_is_sent_the_rest(open_server):
    """What came together is several requests: all that was not accepted is sent again."""
    asked = 0

    async def answer(_):
        nonlocal asked
        asked += 1
        return 500 if asked == 3 else 200

    async with noting(answer) as receiver:
        body = {"url": receiver.url, "events": OBJECTS}
        hook = (await open_server.post(WEBHOOKS, body)).is_status(201).json
        flow = await open_server.flow()
        ids = ids_of(await open_server.segments(flow["id"], seconds(4)))
        await open_server.wait(1)
        await open_server.wait(60)
        once = dict(receiver.accepted)
        assert [body["event"]["object"]["id"] for body in once.values()] == ids
        await open_server.delete(f"{WEBHOOKS}/{hook['id']}")


async def test_without_the_extension_webhooks_have_the_standards_events_alone(tmp_path, sqlite_url):
    async with serving(tmp_path, sqlite_url, extensions="none") as server:
        for kind in ("objects/created", "collections/created", "flows/renamed"):
            refusal = (await server.post(WEBHOOKS, idle_body(events=[kind]))).is_status(400)
            summary = refusal.json["summary"]
            assert summary.startswith("events.0: it must be 'flows/created', 'flows/updated', ")
            assert "'objects/" not in summary.removesuffix(f"not '{kind}'")
        assert await server.read(WEBHOOKS) == []


async def test_with_it_a_webhook_of_no_known_type_is_refused(open_server):
    for kind in ("objects/renamed", "object.created"):
        (await open_server.post(WEBHOOKS, idle_body(events=[kind]))).is_status(400)
