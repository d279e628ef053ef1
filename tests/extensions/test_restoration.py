"""Taking soft deletions back, and what is told of them."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tams.conformance.media import fragmented_flow, object_path, store_init, timeranges
from tams.conformance.server import flow_body, new_id
from tests.authority import bearer, guarding, token
from tests.extensions.deleting import (
    clip,
    deletion_of,
    pass_away,
    picture,
    reads,
    shown,
    unknown,
    url_of,
)
from tests.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOFT = "soft_delete=true&cascade=true"


async def restore(server, path):
    (await server.post(f"{path}/restore")).is_status(204)


async def test_e008_a_flow_comes_back_with_all_that_it_had(server):
    one = await clip(server, 3, label="a", tags={"colour": ["red", "blue"]}, description="b")
    before = await picture(server, one.source, one.flow, one.segments)
    assert len(before) == 3
    (await server.delete(f"{one.flow}?{SOFT}")).is_status(204)
    await pass_away(server)
    await restore(server, one.flow)
    assert await picture(server, one.source, one.flow, one.segments) == before
    assert one.flow_id in await server.ids("/flows", {"tag.colour": "blue"}, label="a")
    for object_id in one.objects:
        assert await reads(server, await url_of(server, object_id)) == 200
    assert (await deletion_of(server, one.flow_id))["state"] == "restored"
    await server.segment(one.flow_id, "[3:0_4:0)")
    (await server.post(f"{one.flow}/restore")).is_status(404)


async def test_e008_a_source_comes_back_with_its_flows(server):
    one = await clip(server, 2, label="first", tags={"place": "gate 4"})
    other = await clip(server, 1, source_id=one.source_id)
    await server.set(f"{one.source}/description", "both")
    paths = (one.source, one.flow, one.segments, other.flow, other.segments)
    before = await picture(server, *paths)
    assert len(before) == 5
    (await server.delete(f"{one.source}?{SOFT}")).is_status(204)
    refusal = (await server.post(f"{one.flow}/restore")).is_status(409).json
    assert f"POST /sources/{one.source_id}/restore" in refusal["detail"]
    await restore(server, one.source)
    assert await picture(server, *paths) == before
    assert (await deletion_of(server, one.source_id))["state"] == "restored"


async def test_e008_segments_come_back_last_deleted_first(server):
    one = await clip(server, 4)
    before = await picture(server, one.segments)
    for first in ("[1:0_2:0)", "[0:0_3:0)"):
        (await server.delete(f"{one.segments}?timerange={first}&{SOFT}")).is_status(204)
    assert await timeranges(server, one.flow_id) == ["[3:0_4:0)"]
    await pass_away(server)
    await restore(server, one.segments)
    assert len(await timeranges(server, one.flow_id)) == 3
    await restore(server, one.segments)
    assert await picture(server, one.segments) == before
    assert await reads(server, await url_of(server, one.objects[1])) == 200
    (await server.post(f"{one.segments}/restore")).is_status(404)


async def test_segments_stay_deleted_where_there_are_others_by_now(server):
    one = await clip(server, 3)
    (await server.delete(f"{one.segments}?timerange=[0:0_2:0)&{SOFT}")).is_status(204)
    await server.segment(one.flow_id, "[1:500000000_1:600000000)")
    before = await picture(server, one.flow, one.segments)
    refusal = (await server.post(f"{one.segments}/restore")).is_status(409).json
    assert refusal["detail"].startswith("1 Segments that were deleted")
    assert await picture(server, one.flow, one.segments) == before
    (await server.delete(f"{one.segments}?timerange=[1:0_2:0)")).is_status(204)
    await restore(server, one.segments)
    assert len(await timeranges(server, one.flow_id)) == 3


async def test_segments_do_not_come_back_to_a_flow_that_has_their_flows_id(server):
    one = await clip(server, 1)
    (await server.delete(f"{one.segments}?{SOFT}")).is_status(204)
    (await server.delete(one.flow)).is_status(204)
    body = flow_body(id=one.flow_id, source_id=one.source_id)
    (await server.put(one.flow, body)).is_status(201)
    (await server.post(f"{one.segments}/restore")).is_status(404)
    await pass_away(server)
    assert (await deletion_of(server, one.flow_id))["state"] == "purged"
    free = {"object_ids": one.objects}
    (await server.post(f"{one.flow}/storage", free)).is_status(201)


async def test_segments_come_back_to_a_flow_that_came_back(server):
    one = await clip(server, 2)
    (await server.delete(f"{one.segments}?timerange=[0:0_1:0)&{SOFT}")).is_status(204)
    (await server.delete(f"{one.flow}?{SOFT}")).is_status(204)
    (await server.post(f"{one.segments}/restore")).is_status(404)
    await pass_away(server)
    await restore(server, one.flow)
    assert await timeranges(server, one.flow_id) == ["[1:0_2:0)"]
    await restore(server, one.segments)
    assert len(await timeranges(server, one.flow_id)) == 2


async def test_a_read_only_flow_takes_no_segments_back(server):
    one = await clip(server, 1)
    (await server.delete(f"{one.segments}?{SOFT}")).is_status(204)
    await server.set(f"{one.flow}/read_only", True)
    (await server.post(f"{one.segments}/restore")).is_status(403)
    assert await timeranges(server, one.flow_id) == []


async def test_an_id_that_is_in_use_again_is_kept_by_who_has_it(server):
    one = await clip(server, 2)
    (await server.delete(f"{one.source}?{SOFT}")).is_status(204)
    body = flow_body("audio", id=one.flow_id, source_id=new_id())
    (await server.put(one.flow, body)).is_status(201)
    before = await picture(server, one.flow, one.segments)
    (await server.post(f"{one.source}/restore")).is_status(409)
    (await server.get(one.source)).is_status(404)
    assert await picture(server, one.flow, one.segments) == before
    (await server.delete(one.flow)).is_status(204)
    again = flow_body("audio", source_id=one.source_id)
    (await server.put(f"/flows/{again['id']}", again)).is_status(201)
    (await server.post(f"{one.source}/restore")).is_status(409)
    (await server.delete(f"/flows/{again['id']}")).is_status(204)
    await restore(server, one.source)
    assert len(await timeranges(server, one.flow_id)) == 2
    (await server.post(f"{one.flow}/restore")).is_status(404)


async def test_flows_come_back_to_a_source_that_another_one_brought_back(server):
    one = await clip(server, 1)
    other = await clip(server, 1, source_id=one.source_id)
    (await server.delete(f"{one.flow}?{SOFT}")).is_status(204)
    (await server.delete(f"{one.source}?{SOFT}")).is_status(204)
    await restore(server, one.flow)
    label = f"{one.source}/label"
    (await server.put(label, "again")).is_status(204)
    refusal = (await server.post(f"{other.flow}/restore")).is_status(409).json
    assert f"POST /sources/{one.source_id}/restore" in refusal["detail"]
    await restore(server, one.source)
    assert len(await timeranges(server, other.flow_id)) == 1
    assert (await server.read(one.source))["label"] == "again"
    (await server.post(f"{one.source}/restore")).is_status(404)


async def test_a_source_does_not_come_back_to_one_of_another_format(server):
    one = await clip(server, 1)
    (await server.delete(f"{one.source}?{SOFT}")).is_status(204)
    other = flow_body("audio", source_id=one.source_id)
    (await server.put(f"/flows/{other['id']}", other)).is_status(201)
    refusal = (await server.post(f"{one.source}/restore")).is_status(409).json
    assert f"there is a Source {one.source_id} again" in refusal["detail"]
    (await server.get(one.flow)).is_status(404)


async def test_a_source_without_flows_does_not_come_back_over_another(server):
    body = {"id": new_id(), "format": "urn:x-nmos:format:video", "label": "first"}
    path = f"/sources/{body['id']}"
    (await server.post("/sources", body)).is_status(201)
    (await server.delete(f"{path}?{SOFT}")).is_status(204)
    (await server.post("/sources", body | {"label": "second"})).is_status(201)
    (await server.post(f"{path}/restore")).is_status(409)
    (await server.delete(path)).is_status(204)
    await restore(server, path)
    assert (await server.read(path))["label"] == "first"


async def test_a_flow_does_not_come_back_to_a_source_of_another_format(server):
    one = await clip(server, 1)
    (await server.delete(f"{one.flow}?{SOFT}")).is_status(204)
    refusal = (await server.post(f"{one.source}/restore")).is_status(409).json
    assert f"POST /flows/{one.flow_id}/restore" in refusal["detail"]
    other = flow_body("audio", source_id=one.source_id)
    (await server.put(f"/flows/{other['id']}", other)).is_status(201)
    (await server.post(f"{one.flow}/restore")).is_status(409)
    (await server.get(one.flow)).is_status(404)


async def test_each_life_of_an_id_comes_back_the_last_one_first(server):
    one = await clip(server, 1, label="first")
    (await server.delete(f"{one.flow}?{SOFT}")).is_status(204)
    second = flow_body(id=one.flow_id, source_id=one.source_id, label="second")
    (await server.put(one.flow, second)).is_status(201)
    (await server.post(f"{one.flow}/restore")).is_status(409)
    (await server.delete(f"{one.flow}?{SOFT}")).is_status(204)
    await restore(server, one.flow)
    assert (await server.read(one.flow))["label"] == "second"
    (await server.delete(one.flow)).is_status(204)
    await restore(server, one.flow)
    assert (await server.read(one.flow))["label"] == "first"
    assert len(await timeranges(server, one.flow_id)) == 1


async def test_a_flow_collects_again_what_is_there_and_is_not_collected_again(server):
    kept, lost = await clip(server, 1), await clip(server, 1)
    items = [{"id": kept.flow_id, "role": "main"}, {"id": lost.flow_id, "role": "sound"}]
    multi = await server.flow("multi", flow_collection=items)
    above = await server.flow("multi", flow_collection=[{"id": multi["id"], "role": "all"}])
    path = f"/flows/{multi['id']}"
    (await server.delete(f"{path}?{SOFT}")).is_status(204)
    assert "collected_by" not in await server.read(kept.flow)
    [row] = await shown(server, "flows", "only", multi["id"])
    assert row["flow_collection"] == items
    (await server.delete(lost.flow)).is_status(204)
    await restore(server, path)
    found = await server.read(path)
    assert found["flow_collection"] == items[:1]
    assert found["metadata_version"] != multi["metadata_version"]
    assert (await server.read(kept.flow))["collected_by"] == [multi["id"]]
    assert (await server.read(kept.source))["collected_by"] == [multi["source_id"]]
    assert "flow_collection" not in await server.read(f"/flows/{above['id']}")


async def test_a_source_comes_back_with_flows_that_collect_each_other(server):
    inner = await clip(server, 1)
    part = await server.flow("multi", flow_collection=[{"id": inner.flow_id}])
    items = [{"id": part["id"], "role": "main"}]
    whole = await server.flow("multi", source_id=part["source_id"], flow_collection=items)
    source = f"/sources/{part['source_id']}"
    paths = (f"/flows/{part['id']}", f"/flows/{whole['id']}", source, inner.flow)
    before = await picture(server, *paths)
    assert len(before) == 4
    (await server.delete(f"{source}?{SOFT}")).is_status(204)
    await restore(server, source)
    found = await picture(server, *paths)
    assert [_settled(each) for each in found] == [_settled(each) for each in before]


def _settled(answer):
    """Without what the derived collections of a Source change."""
    status, body = answer
    return status, {name: value for name, value in body.items() if name != "updated"}


async def test_init_objects_are_kept_and_come_back_with_what_needs_them(server):
    flow_id = await fragmented_flow(server)
    init = await store_init(server, flow_id)
    [media] = await server.allocate(flow_id)
    await server.upload(media, b"media")
    await server.segment(flow_id, "[0:0_1:0)", object_id=media["object_id"], init_object_id=init)
    (await server.delete(f"/flows/{flow_id}?{SOFT}")).is_status(204)
    (await server.get(object_path(init))).is_status(404)
    await pass_away(server)
    await restore(server, f"/flows/{flow_id}")
    assert await reads(server, await url_of(server, init)) == 200


TOLD = [
    "sources/created", "flows/created", "flows/segments_added", "flows/segments_deleted",
    "flows/segments_added", "flows/deleted", "sources/deleted", "sources/created", "flows/created",
]  # fmt: skip


async def test_deletions_and_restorations_are_told_to_webhooks(server):
    inbox = server.receiver.inbox()
    hook = {"url": inbox.url, "events": sorted(set(TOLD))}
    created = (await server.post("/service/webhooks", hook)).is_status(201).json
    one = await clip(server, 1)
    (await server.delete(f"{one.segments}?{SOFT}")).is_status(204)
    await restore(server, one.segments)
    (await server.delete(f"{one.flow}?{SOFT}")).is_status(204)
    await restore(server, one.flow)

    async def told():
        await server.wait(1)
        found = [delivery.event for delivery in inbox.deliveries]
        return found if len(found) >= len(TOLD) else None

    events = await server.until(told, "the events")
    assert sorted(each["event_type"] for each in events) == sorted(TOLD)
    of_flow = [each for each in events if each["event_type"].startswith("flows/")]
    assert [each["event_type"] for each in of_flow] == [
        each for each in TOLD if each.startswith("flows/")
    ]
    again = of_flow[3]["event"]["segments"]
    assert [each["object_id"] for each in again] == one.objects
    assert of_flow[-1]["event"]["flow"]["id"] == one.flow_id
    (await server.delete(f"/service/webhooks/{created['id']}")).is_status(204)


@pytest.mark.parametrize("path", ["/sources/{}", "/flows/{}", "/flows/{}/segments", "/objects/{}"])
async def test_what_was_not_deleted_is_not_restored(server, path):
    (await server.post(f"{path.format(unknown())}/restore")).is_status(404)
    one = await clip(server, 1)
    living = {"/sources/{}": one.source_id, "/objects/{}": one.objects[0]}.get(path, one.flow_id)
    before = await picture(server, one.source, one.flow, one.segments)
    (await server.post(f"{path.format(living)}/restore")).is_status(404)
    assert await picture(server, one.source, one.flow, one.segments) == before


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def guarded(tmp_path_factory):
    async with guarding(tmp_path_factory.mktemp("guarded")) as served:
        yield served


async def test_who_may_delete_may_restore_and_nobody_else(guarded):
    one = await clip(guarded, 1)
    (await guarded.delete(f"{one.flow}?{SOFT}")).is_status(204)
    refused = bearer(token("tams-api/read tams-api/write"))
    for path in (one.source, one.flow, one.segments, object_path(one.objects[0])):
        (await guarded.post(f"{path}/restore", headers=refused)).is_status(403)
        (await guarded.delete(f"{path}?{SOFT}", headers=refused)).is_status(403)
    allowed = bearer(token("tams-api/delete"))
    (await guarded.post(f"{one.flow}/restore", headers=allowed)).is_status(204)
    asked = f"{one.flow}?soft_delete=true"
    (await guarded.delete(asked, headers=allowed)).is_status(204)


async def test_who_asked_is_recorded_whatever_they_say(guarded):
    one = await clip(guarded, 1)
    (await guarded.delete(f"{one.segments}?soft_delete=true")).is_status(204)
    record = await deletion_of(guarded, one.flow_id)
    assert (record["deleted_by"], record["principal"]) == ("ada", "ada")
    (await guarded.delete(f"{one.flow}?{SOFT}&deleted_by=eve")).is_status(204)
    record = await deletion_of(guarded, one.flow_id)
    assert (record["deleted_by"], record["principal"]) == ("eve", "ada")


async def test_only_an_administrator_sees_what_was_deleted(guarded):
    others = bearer(token("tams-api/read tams-api/write tams-api/delete"))
    for path in ("/sources?deleted=only", "/flows?deleted=include", "/deletions"):
        (await guarded.get(path, headers=others)).is_status(403)
        (await guarded.get(path)).is_status(200)
    (await guarded.get("/flows", headers=others)).is_status(200)


async def test_what_was_kept_for_long_goes_for_good(tmp_path):
    day = 86400
    url = f"sqlite:///{tmp_path}/catalogue.sqlite"
    async with serving(tmp_path, url, trash_retention=str(day)) as server:
        one, late = await clip(server, 2), await clip(server, 1)
        gone = [one.objects[0]]
        (await server.delete(f"{one.segments}?timerange=[0:0_1:0)&{SOFT}")).is_status(204)
        (await server.delete(f"{one.source}?{SOFT}")).is_status(204)
        [waiting] = await server.allocate(late.flow_id)
        (await server.delete(f"/objects/{waiting['object_id']}?{SOFT}")).is_status(204)
        await server.wait(day / 2)
        (await server.delete(f"{late.flow}?{SOFT}")).is_status(204)
        await server.wait(day / 2 + 1)
        (await server.post(f"{one.source}/restore")).is_status(404)
        (await server.post(f"/objects/{waiting['object_id']}/restore")).is_status(404)
        states = {each["entity_id"]: each["state"] for each in await server.read("/deletions")}
        assert states[one.source_id] == states[waiting["object_id"]] == "purged"
        assert await shown(server, "sources", "only", one.source_id) == []
        await restore(server, late.flow)
        await pass_away(server)
        free = {"object_ids": [*one.objects, *gone[1:], waiting["object_id"]]}
        (await server.post(f"{late.flow}/storage", free)).is_status(201)
        assert len(await timeranges(server, late.flow_id)) == 1


@pytest.mark.parametrize("flow_goes", [False, True])
async def test_objects_that_went_for_good_are_told_with_what_collects_their_flow(
    tmp_path, flow_goes
):
    day = 86400
    url = f"sqlite:///{tmp_path}/catalogue.sqlite"
    async with serving(tmp_path, url, trash_retention=str(day)) as server:
        one = await clip(server, 2)
        multi = await server.flow("multi", flow_collection=[{"id": one.flow_id}])
        (await server.delete(f"{one.segments}?{SOFT}")).is_status(204)
        if flow_goes:
            (await server.delete(one.flow)).is_status(204)
            await server.wait(1)
        await server.wait(day + 1)
        await pass_away(server)
        asked = f"/events?types=objects/deleted&flow_collected_by_ids={multi['id']}"
        told = [each["event"]["object_id"] for each in await server.read(asked)]
        assert sorted(told) == sorted(one.objects)
        assert await server.read("/events?types=objects/deleted&flow_collected_by_ids=") == []


async def test_without_the_extension_all_is_as_the_standard_has_it(tmp_path):
    url = f"sqlite:///{tmp_path}/catalogue.sqlite"
    async with serving(tmp_path, url, extensions="whole-tags") as server:
        one = await clip(server, 1)
        (await server.delete(f"{one.source}?{SOFT}")).is_status(405)
        (await server.delete(object_path(one.objects[0]))).is_status(405)
        (await server.get("/deletions")).is_status(404)
        (await server.post(f"{one.flow}/restore")).is_status(404)
        assert one.flow_id in await server.ids("/flows", deleted="only")
        (await server.delete(f"{one.flow}?cascade=false")).is_status(204)
