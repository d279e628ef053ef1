"""Deletions that say how: soft or for good, with dependents or not, and by whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tams.conformance.media import object_path, timeranges
from tams.conformance.server import flow_body, new_id
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

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOFT = "soft_delete=true&cascade=true&deleted_by=test-user"
MANY = 1001


async def many(server, **fields):
    """A Flow of more Segments than are deleted before an answer."""
    flow = await server.flow(**fields)
    seconds = [f"[{at}:0_{at + 1}:0)" for at in range(MANY)]
    await server.segments(flow["id"], seconds[:1000])
    await server.segments(flow["id"], seconds[1000:])
    return flow


async def test_a035_a_source_is_deleted_softly_with_all_that_belongs_to_it(server):
    one = await clip(server)
    answer = (await server.delete(f"{one.source}?{SOFT}")).is_status(204)
    assert answer.body == b""
    (await server.get(one.source)).is_status(404)
    (await server.get(one.flow)).is_status(404)
    assert await server.read(one.segments) == []


@pytest.mark.parametrize("asked", ["soft%5Fdelete=true", "%73oft_delet%65=true&x="])
async def test_a_parameter_may_be_percent_encoded(server, asked):
    one = await clip(server)
    (await server.delete(f"{one.flow}?{asked}")).is_status(204)
    assert (await deletion_of(server, one.flow_id))["state"] == "restorable"


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("softdelete", "soft_delete"),
        ("soft-delete", "soft_delete"),
        ("Soft_Delete", "soft_delete"),
        ("soft", "soft_delete"),
        ("deletedBy", "deleted_by"),
        ("CASCADE", "cascade"),
    ],
)
async def test_a_slip_of_the_pen_deletes_nothing_for_good(server, name, right):
    one = await clip(server)
    for path in (one.flow, one.segments, one.source):
        refusal = (await server.delete(f"{path}?{name}=true")).is_status(400).json
        assert refusal["summary"] == f"{name}: it is written {right}, not {name!r}"
    (await server.get(one.flow)).is_status(200)
    assert len(await server.read(one.segments)) == 2


async def test_a036_l01_e011_a_source_with_flows_is_not_deleted_without_them(server):
    one = await clip(server)
    other = await server.flow(source_id=one.source_id)
    paths = (one.source, one.flow, one.segments, f"/flows/{other['id']}")
    before = await picture(server, *paths)
    for asked in ("", "?cascade=false", "?cascade=false&soft_delete=true"):
        refusal = (await server.delete(one.source + asked)).is_status(409).json
        assert refusal["type"] == "Conflict"
        assert refusal["detail"].startswith(f"2 Flows belong to Source {one.source_id};")
        assert "cascade=true" in refusal["detail"]
    assert await picture(server, *paths) == before
    assert len(before) == 4


async def test_a037_e013_a_source_is_deleted_for_good_with_its_flows_and_segments(server):
    one = await clip(server)
    other = await clip(server, source_id=one.source_id)
    (await server.delete(f"{one.source}?cascade=true")).is_status(204)
    for path in (one.source, one.flow, other.flow, object_path(other.objects[0])):
        (await server.get(path)).is_status(404)
    assert await server.read(other.segments) == []
    record = await deletion_of(server, one.source_id)
    assert record["flow_ids"] == sorted([one.flow_id, other.flow_id])
    assert (record["segments"], record["state"]) == (4, "deleted")
    await pass_away(server)
    taken = {"object_ids": [*one.objects, *other.objects]}
    third = await server.flow()
    allocation = await server.post(f"/flows/{third['id']}/storage", taken)
    allocation.is_status(201)  # bytes and rows are gone, so the ids are free
    (await server.post(f"{one.source}/restore")).is_status(404)


async def test_a073_e004_e005_a_flow_is_deleted_softly_and_hidden_at_once(server):
    one = await clip(server, label="to be hidden")
    other = await server.flow(source_id=one.source_id)
    multi = await server.flow("multi", flow_collection=[{"id": one.flow_id, "role": "main"}])
    answer = (await server.delete(f"{one.flow}?{SOFT}")).is_status(204)
    assert answer.body == b""
    (await server.get(one.flow)).is_status(404)
    assert await server.read(one.segments) == []
    assert one.flow_id not in await server.ids("/flows", limit="1000")
    assert await server.ids("/flows", label="to be hidden") == []
    assert await server.ids("/flows", source_id=one.source_id) == [other["id"]]
    assert await server.ids("/flows", collected_by_ids=multi["id"]) == []
    assert "flow_collection" not in await server.read(f"/flows/{multi['id']}")
    (await server.get(object_path(one.objects[0]))).is_status(404)
    body = {"object_id": one.objects[0], "timerange": "[0:0_1:0)"}
    (await server.post(f"/flows/{other['id']}/segments", body)).is_status(400)


async def test_a074_l02_a_flow_with_segments_is_not_deleted_without_them(server):
    one = await clip(server, 3)
    before = await picture(server, one.flow, one.segments)
    for asked in ("cascade=false", "cascade=false&soft_delete=true"):
        refusal = (await server.delete(f"{one.flow}?{asked}")).is_status(409).json
        assert refusal["detail"].startswith(f"Flow {one.flow_id} has 3 Segments;")
    assert await picture(server, one.flow, one.segments) == before


async def test_a075_e019_l06_many_segments_are_deleted_behind_the_answer(server):
    flow = await many(server)
    path = f"/flows/{flow['id']}"
    refusal = (await server.delete(f"{path}?cascade=false")).is_status(409).json
    assert f"Flow {flow['id']} has more than 1000 Segments;" in refusal["detail"]
    answer = (await server.delete(f"{path}?cascade=true&deleted_by=ada")).is_status(202)
    assert answer.json["flow_id"] == flow["id"]
    assert answer.json["delete_flow"] is True
    assert answer.headers["Location"].endswith(f"/flow-delete-requests/{answer.json['id']}")
    (await server.get(path)).is_status(404)
    record = await deletion_of(server, flow["id"])
    assert (record["segments"], record["more_segments"]) == (1000, True)
    await server.wait(1)
    done = await server.read(f"/flow-delete-requests/{answer.json['id']}")
    assert done["status"] == "done"
    few = await clip(server, 1)
    (await server.delete(f"{few.flow}?cascade=true")).is_status(204)


async def test_a_source_with_a_long_flow_names_what_goes_on_behind_the_answer(server):
    flow = await many(server)
    small = await clip(server, 1, source_id=flow["source_id"])
    answer = await server.delete(f"/sources/{flow['source_id']}?cascade=true")
    assert [each["flow_id"] for each in answer.is_status(202).json] == [flow["id"]]
    assert answer.headers["Location"].endswith("/flow-delete-requests")
    (await server.get(small.flow)).is_status(404)


async def test_a_long_flow_is_hidden_at_once_and_comes_back_whole(server):
    flow = await many(server)
    path = f"/flows/{flow['id']}"
    (await server.delete(f"{path}?{SOFT}")).is_status(204)
    assert await server.read(f"{path}/segments") == []
    await pass_away(server)
    (await server.post(f"{path}/restore")).is_status(204)
    assert len(await server.read(f"{path}/segments?limit=1000")) == 1000
    assert await timeranges(server, flow["id"], timerange="[1000:0_1001:0)")


async def test_a126_segments_are_deleted_by_time_and_object_softly_or_for_good(server):
    one = await clip(server, 4)
    asked = f"timerange=[0:0_3:0)&object_id={one.objects[1]}&{SOFT}"
    (await server.delete(f"{one.segments}?{asked}")).is_status(204)
    assert await timeranges(server, one.flow_id) == ["[0:0_1:0)", "[2:0_3:0)", "[3:0_4:0)"]
    record = await deletion_of(server, one.flow_id)
    assert record["kind"] == "segments"
    assert (record["soft_delete"], record["deleted_by"]) == (True, "test-user")
    assert (record["timerange"], record["object_id"]) == ("[0:0_3:0)", one.objects[1])
    assert (record["segments"], record["state"]) == (1, "restorable")
    (await server.delete(f"{one.segments}?timerange=[3:0_4:0)&deleted_by=ada")).is_status(204)
    assert await timeranges(server, one.flow_id) == ["[0:0_1:0)", "[2:0_3:0)"]
    record = await deletion_of(server, one.flow_id)
    assert (record["deleted_by"], record["state"]) == ("ada", "deleted")


async def test_a127_e014_l03_the_last_use_of_an_object_is_not_deleted_without_it(server):
    one = await clip(server, 2)
    other = await server.flow(source_id=one.source_id)
    again = {"object_id": one.objects[0], "timerange": "[0:0_1:0)"}
    (await server.post(f"/flows/{other['id']}/segments", again)).is_status(201)
    before = await picture(server, one.segments)
    for asked in ("cascade=false", "cascade=false&soft_delete=true"):
        refusal = (await server.delete(f"{one.segments}?{asked}")).is_status(409).json
        assert refusal["detail"].startswith("1 Objects are used by these Segments")
    assert await picture(server, one.segments) == before
    first = "timerange=[0:0_1:0)&cascade=false"
    (await server.delete(f"{one.segments}?{first}")).is_status(204)
    assert await timeranges(server, one.flow_id) == ["[1:0_2:0)"]
    last = f"/flows/{other['id']}/segments?cascade=false"
    (await server.delete(last)).is_status(409)
    assert (await server.read(object_path(one.objects[0])))["id"] == one.objects[0]


async def test_a128_e022_objects_go_with_their_last_use_and_not_before(server):
    one = await clip(server, 2)
    other = await server.flow(source_id=one.source_id)
    shared, alone = one.objects
    again = {"object_id": shared, "timerange": "[0:0_1:0)"}
    (await server.post(f"/flows/{other['id']}/segments", again)).is_status(201)
    (await server.delete(f"{one.flow}?cascade=true&soft_delete=false")).is_status(204)
    await pass_away(server)
    assert await reads(server, await url_of(server, shared)) == 200
    (await server.get(object_path(alone))).is_status(404)
    allocation = {"object_ids": [alone]}
    free = await server.post(f"/flows/{other['id']}/storage", allocation)
    free.is_status(201)  # its bytes are gone, so its id is free
    taken = {"object_ids": [shared]}
    (await server.post(f"/flows/{other['id']}/storage", taken)).is_status(400)


async def test_a149_e015_an_object_is_deleted_unless_it_is_used(server):
    one = await clip(server, 1)
    used = object_path(one.objects[0])
    before = await picture(server, used, one.segments)
    for asked in ("", "?soft_delete=true", "?cascade=true&deleted_by=ada"):
        refusal = (await server.delete(used + asked)).is_status(409).json
        assert f"1 Flows have Segments of Object {one.objects[0]}" in refusal["detail"]
    assert await picture(server, used, one.segments) == before
    first, second = await server.allocate(one.flow_id, 2)
    for allocated, asked in ((first, ""), (second, "?soft_delete=true&deleted_by=ada")):
        object_id = allocated["object_id"]
        (await server.delete(object_path(object_id) + asked)).is_status(204)
        body = {"object_id": object_id, "timerange": "[7:0_8:0)"}
        (await server.post(one.segments, body)).is_status(400)
        (await server.delete(object_path(object_id))).is_status(404)
    kept = await deletion_of(server, second["object_id"])
    assert (kept["kind"], kept["deleted_by"], kept["state"]) == ("object", "ada", "restorable")
    (await server.post(f"{object_path(first['object_id'])}/restore")).is_status(404)
    (await server.post(f"{object_path(second['object_id'])}/restore")).is_status(204)
    body = {"object_id": second["object_id"], "timerange": "[7:0_8:0)"}
    (await server.post(one.segments, body)).is_status(201)


@pytest.mark.parametrize("what", ["source", "flow", "segments", "object"])
async def test_e001_every_delete_takes_the_parameters_and_refuses_others(server, what):
    one = await clip(server, 1)
    path = {
        "source": one.source,
        "flow": one.flow,
        "segments": one.segments,
        "object": object_path((await server.allocate(one.flow_id))[0]["object_id"]),
    }[what]
    before = await picture(server, one.source, one.flow, one.segments)
    for asked, field in (
        ("soft_delete=perhaps", "soft_delete"),
        ("soft_delete=", "soft_delete"),
        ("cascade=1", "cascade"),
        ("deleted_by=", "deleted_by"),
        (f"deleted_by={'x' * 256}", "deleted_by"),
        ("deleted_by=%ff", "deleted_by"),
    ):
        refusal = (await server.delete(f"{path}?{asked}")).is_status(400).json
        assert refusal["summary"].startswith(f"{field}:")
    assert await picture(server, one.source, one.flow, one.segments) == before
    (await server.delete(f"{path}?soft_delete=true&cascade=true&deleted_by=ada")).is_status(204)
    entity_id = {"source": one.source_id, "object": path.rpartition("/")[2]}.get(what, one.flow_id)
    record = await deletion_of(server, entity_id)
    found = [record[name] for name in ("kind", "soft_delete", "cascade", "deleted_by", "state")]
    assert found == [what, True, True, "ada", "restorable"]


async def test_e003_what_is_deleted_softly_says_so_and_when_and_by_whom(server):
    one = await clip(server, 1, label="kept")
    (await server.delete(f"{one.source}?{SOFT}")).is_status(204)
    for kind, entity_id in (("sources", one.source_id), ("flows", one.flow_id)):
        [row] = await shown(server, kind, "only", entity_id)
        assert (row["deleted"], row["deleted_by"]) == (True, "test-user")
        age = datetime.now(UTC) - datetime.fromisoformat(row["deleted_at"])
        assert age < timedelta(minutes=5)
        assert row["label"] == "kept"
        assert row["deletion_id"] == (await deletion_of(server, one.source_id))["id"]


async def test_e006_e007_bytes_go_with_what_is_deleted_for_good_and_stay_otherwise(server):
    soft, hard = await clip(server, 1), await clip(server, 1)
    (await server.delete(f"{soft.flow}?soft_delete=true")).is_status(204)
    (await server.delete(f"{hard.flow}?soft_delete=false")).is_status(204)
    await pass_away(server)
    other = await server.flow()
    taken = {"object_ids": soft.objects}
    (await server.post(f"/flows/{other['id']}/storage", taken)).is_status(400)
    free = {"object_ids": hard.objects}
    (await server.post(f"/flows/{other['id']}/storage", free)).is_status(201)
    (await server.post(f"{hard.flow}/restore")).is_status(404)
    (await server.post(f"{soft.flow}/restore")).is_status(204)
    assert await reads(server, await url_of(server, soft.objects[0])) == 200


async def test_e012_what_nothing_depends_on_is_deleted_without_cascade(server):
    flow = await server.flow()
    path = f"/flows/{flow['id']}"
    (await server.delete(f"{path}/segments?cascade=false")).is_status(204)
    (await server.delete(f"{path}?cascade=false")).is_status(204)
    (await server.get(path)).is_status(404)


@pytest.mark.parametrize("path", ["/sources/{}", "/flows/{}", "/flows/{}/segments", "/objects/{}"])
@pytest.mark.parametrize("asked", ["soft_delete=true", "cascade=true", "cascade=false"])
async def test_e017_what_is_unknown_is_not_found(server, path, asked):
    (await server.delete(f"{path.format(unknown())}?{asked}")).is_status(404)
    (await server.post(f"{path.format(unknown())}/restore")).is_status(404)


async def test_e018_parents_are_deleted_after_what_depends_on_them(server):
    one = await clip(server, 2)
    (await server.delete(f"{one.source}?cascade=false")).is_status(409)
    (await server.delete(f"{one.flow}?cascade=false")).is_status(409)
    (await server.delete(f"{one.segments}?cascade=true")).is_status(204)
    (await server.delete(f"{one.source}?cascade=false")).is_status(409)
    (await server.delete(f"{one.flow}?cascade=false")).is_status(204)
    # Its Flow brought the Source, which goes with its last Flow.
    (await server.delete(f"{one.source}?cascade=false")).is_status(404)
    assert await server.read(one.segments) == []
    assert one.flow_id not in await server.ids("/flows", limit="1000")
    assert one.source_id not in await server.ids("/sources", limit="1000")


@pytest.mark.parametrize("soft", ["true", "false"])
@pytest.mark.parametrize("what", ["source", "flow", "segments"])
async def test_l04_no_orphan_is_reachable_after_any_deletion(server, what, soft):
    one = await clip(server, 2)
    path = {"source": one.source, "flow": one.flow, "segments": one.segments}[what]
    (await server.delete(f"{path}?cascade=true&soft_delete={soft}")).is_status(204)
    assert await server.read(one.segments) == []
    for object_id in one.objects:
        (await server.get(object_path(object_id))).is_status(404)
    is_there = 200 if what == "segments" else 404
    assert (await server.get(one.flow)).status == is_there
    assert (await server.get(one.source)).status == is_there
    assert (one.flow_id in await server.ids("/flows", limit="1000")) == (what == "segments")
    assert (one.source_id in await server.ids("/sources", limit="1000")) == (what == "segments")


async def test_a_read_only_flow_is_kept_however_it_is_asked(server):
    one = await clip(server, 1)
    await server.set(f"{one.flow}/read_only", True)
    before = await picture(server, one.source, one.flow, one.segments)
    for path in (one.source, one.flow, one.segments):
        for soft in ("true", "false"):
            asked = f"{path}?cascade=true&soft_delete={soft}"
            (await server.delete(asked)).is_status(403)
    assert await picture(server, one.source, one.flow, one.segments) == before


async def test_more_segments_than_one_transaction_takes_are_not_deleted_softly(server):
    flow = await many(server)
    path = f"/flows/{flow['id']}/segments"
    refusal = (await server.delete(f"{path}?soft_delete=true")).is_status(400).json
    assert "timerange" in refusal["summary"]
    assert "1000 Segments" in refusal["summary"]
    (await server.delete(f"{path}?soft_delete=true&timerange=[1:0_1001:0)")).is_status(204)
    assert await timeranges(server, flow["id"]) == ["[0:0_1:0)"]
    (await server.post(f"{path}/restore")).is_status(204)
    assert len(await server.read(f"{path}?limit=1000")) == 1000


async def test_what_is_being_deleted_for_good_is_not_deleted_softly(server):
    flow = await many(server)
    path = f"/flows/{flow['id']}"
    (await server.delete(f"{path}/segments")).is_status(202)
    for asked in (path, f"{path}/segments", f"/sources/{flow['source_id']}"):
        asked = f"{asked}?soft_delete=true&cascade=true&timerange=[0:0_1:0)"
        (await server.delete(asked)).is_status(409)
    await server.wait(1)
    (await server.delete(f"{path}?soft_delete=true")).is_status(204)


async def test_the_id_is_free_at_once(server):
    one = await clip(server, 1)
    (await server.delete(f"{one.flow}?soft_delete=true")).is_status(204)
    body = flow_body(id=one.flow_id, source_id=new_id())
    (await server.put(one.flow, body)).is_status(201)
    assert await server.read(one.segments) == []
