"""Lists of what was deleted, and the record of every deletion."""

from __future__ import annotations

from datetime import datetime

import pytest

from tams.conformance.media import object_path
from tams.conformance.server import query
from tests.extensions.deleting import clip, deletion_of, shown

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOFT = "soft_delete=true&cascade=true&deleted_by=ada"


async def labelled(server, label, number=5, **fields):
    """Flows of one label, of which each second one is deleted."""
    flows = [await server.flow(label=label, **fields) for _ in range(number)]
    for flow in flows[::2]:
        (await server.delete(f"/flows/{flow['id']}?{SOFT}")).is_status(204)
    return flows


async def walk(server, path, limit=2):
    """All items of a list, page after page."""
    found, answer = [], await server.get(f"{path}&limit={limit}")
    while True:
        found += answer.is_status(200).json
        key = answer.headers.get("X-Paging-NextKey")
        if key is None:
            return found
        answer = await server.get(f"{path}&limit={limit}" + query(page=key).replace("?", "&"))


async def test_d017_what_is_deleted_is_counted_by_no_list(server):
    flows = await labelled(server, "d017")
    gone, left = flows[::2], flows[1::2]
    assert set(await server.ids("/flows", label="d017")) == {each["id"] for each in left}
    assert set(await server.ids("/sources", label="d017")) == {each["source_id"] for each in left}
    for flow in gone:
        assert await server.ids("/flows", source_id=flow["source_id"]) == []
        (await server.get(f"/flows/{flow['id']}")).is_status(404)
    one = await clip(server, 1)
    again = {"object_id": one.objects[0], "timerange": "[0:0_1:0)"}
    other = await server.flow(source_id=one.source_id)
    (await server.post(f"/flows/{other['id']}/segments", again)).is_status(201)
    (await server.delete(f"{one.flow}?{SOFT}")).is_status(204)
    found = await server.read(object_path(one.objects[0]))
    assert found["referenced_by_flows"] == [other["id"]]
    assert "first_referenced_by_flow" not in found


@pytest.mark.parametrize("kind", ["flows", "sources"])
@pytest.mark.parametrize("asked", ["", "&sort_by=label", "&reverse_order=true", "&sort_by=created"])
async def test_what_is_deleted_is_listed_where_that_is_asked_for(server, kind, asked):
    label = f"{kind}{asked}"
    flows = await labelled(server, label)
    ids = [each["id" if kind == "flows" else "source_id"] for each in flows]
    path = f"/{kind}" + query(label=label) + asked
    only = await walk(server, f"{path}&deleted=only")
    assert {each["id"] for each in only} == set(ids[::2])
    assert all(each["deleted"] and each["deleted_by"] == "ada" for each in only)
    both = await walk(server, f"{path}&deleted=include")
    assert sorted(each["id"] for each in both) == sorted(ids)
    assert {each["id"] for each in both if not each["deleted"]} == set(ids[1::2])
    if "label" not in asked:
        times = [datetime.fromisoformat(each["created"]) for each in both]
        assert times == sorted(times, reverse="reverse" not in asked)


async def test_two_lives_of_one_id_are_both_listed(server):
    flow = await server.flow(label="twice")
    path = f"/flows/{flow['id']}"
    for _ in range(3):
        (await server.delete(f"{path}?{SOFT}")).is_status(204)
        body = {key: value for key, value in flow.items() if "created" not in key}
        (await server.put(path, body)).is_status(201)
    for sort in ("label", "created"):
        for kind, count in (("flows", 4), ("sources", 4)):
            listed = f"/{kind}?label=twice&deleted=include&sort_by={sort}"
            found = await walk(server, listed, limit=1)
            assert [each["deleted"] for each in found].count(True) == count - 1
            assert len(found) == count


async def test_flows_that_were_deleted_pass_the_filters_of_flows(server):
    one = await clip(server, 1, tags={"trash": "red"})
    (await server.delete(f"{one.flow}?{SOFT}")).is_status(204)
    for wanted, filters in (
        (1, {"tag.trash": "red"}),
        (0, {"tag.trash": "blue"}),
        (1, {"source_id": one.source_id}),
        (1, {"source_id": one.source_id, "timerange": "[0:0_1:0)"}),
        (0, {"source_id": one.source_id, "timerange": "[1:0_2:0)"}),
        (0, {"source_id": one.source_id, "format": "urn:x-nmos:format:audio"}),
    ):
        for which in ("only", "include"):
            found = await server.ids("/flows", {**filters, "deleted": which})
            assert found == [one.flow_id] * wanted, filters


async def test_sources_that_were_deleted_pass_label_and_format_alone(server):
    one = await clip(server, 1, label="by format")
    (await server.delete(f"{one.source}?{SOFT}")).is_status(204)
    for wanted, content in ((1, "video"), (0, "audio")):
        filters = {"label": "by format", "format": f"urn:x-nmos:format:{content}"}
        found = await server.ids("/sources", {**filters, "deleted": "only"})
        assert found == [one.source_id] * wanted
    for refused in ("tag.colour=red", "tag_exists.colour=true", "collected_by_ids="):
        (await server.get(f"/sources?deleted=only&{refused}")).is_status(400)


@pytest.mark.parametrize("kind", ["flows", "sources"])
@pytest.mark.parametrize("wrong", ["deleted=", "deleted=all", "deleted=only&page=x", "deleted=%ff"])
async def test_what_cannot_be_meant_is_refused(server, kind, wrong):
    (await server.get(f"/{kind}?{wrong}")).is_status(400)


async def test_a_page_key_of_another_list_is_refused(server):
    await labelled(server, "keys", 4)
    answer = await server.get("/flows?label=keys&limit=1")
    key = answer.is_status(200).headers["X-Paging-NextKey"]
    (await server.get(f"/flows?deleted=only&limit=1&page={key}")).is_status(400)
    (await server.get(f"/deletions?page={key}")).is_status(400)


async def test_e010_every_deletion_is_recorded_with_all_that_it_took(server):
    one = await clip(server, 2)
    (await server.delete(f"{one.segments}?timerange=[0:0_1:0)&{SOFT}")).is_status(204)
    segments = await deletion_of(server, one.flow_id)
    (await server.delete(f"{one.flow}?{SOFT}")).is_status(204)
    flow = await deletion_of(server, one.flow_id)
    assert (flow["kind"], flow["source_id"], flow["segments"]) == ("flow", one.source_id, 1)
    (await server.post(f"{one.flow}/restore")).is_status(204)
    (await server.delete(f"{one.source}?cascade=true")).is_status(204)
    source = await deletion_of(server, one.source_id)
    assert (source["flow_ids"], source["segments"]) == ([one.flow_id], 1)
    assert (source["soft_delete"], source["cascade"], source["deleted_by"]) == (
        False, True, "system",
    )  # fmt: skip
    listed = await walk(server, "/deletions?", limit=1)
    ids = [each["id"] for each in listed]
    places = [ids.index(each["id"]) for each in (source, flow, segments)]
    assert places == sorted(places)
    states = {each["id"]: each["state"] for each in listed}
    assert states[flow["id"]] == "restored"
    assert states[source["id"]] == "deleted"
    times = [datetime.fromisoformat(each["deleted_at"]) for each in listed]
    assert times == sorted(times, reverse=True)
    assert "settled" in next(each for each in listed if each["id"] == flow["id"])


async def test_what_the_standard_deletes_is_not_recorded(server):
    flow = await server.flow()
    (await server.delete(f"/flows/{flow['id']}")).is_status(204)
    records = await server.read("/deletions?limit=1000")
    assert [each for each in records if each["entity_id"] == flow["id"]] == []
    assert await shown(server, "flows", "include", flow["id"]) == []
