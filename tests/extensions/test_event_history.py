"""The log of events, read by pages."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tams.conformance.server import new_id, query
from tests.serving import serving
from tests.streams import types

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def events(server, path="/events", /, **filters):
    return await server.read(path + query(filters))


async def edited(server, number, **fields):
    """A Flow that got labels `0`, `1` and so on."""
    flow = await server.flow(**fields)
    for label in range(number):
        await server.set(f"/flows/{flow['id']}/label", str(label))
    return flow


def labels(found):
    return [one["event"]["flow"]["label"] for one in found if one["event_type"] == "flows/updated"]


async def walked(server, path):
    """Every page from a path on: the events, and the last answer."""
    found = []
    while True:
        answer = (await server.get(path)).is_status(200)
        found += answer.json
        assert answer.headers["X-Paging-Count"] == str(len(answer.json))
        key = answer.headers.get("X-Paging-NextKey")
        if key is None:
            assert "Link" not in answer.headers
            return found, answer
        path = answer.headers["Link"].partition(">")[0].removeprefix("<")
        assert f"page={key}" in path


async def test_c016_every_change_is_in_the_history_with_its_time(server):
    flow = await edited(server, 1)
    path = f"/flows/{flow['id']}"
    [segment] = await server.segments(flow["id"], ["[0:0_1:0)"])
    await server.set(f"/sources/{flow['source_id']}/description", "of")
    await server.delete(f"{path}/segments")
    await server.delete(path)
    found = await events(server, source_ids=flow["source_id"])
    assert types(found) == [
        "sources/created", "flows/created", "flows/updated", "flows/segments_added",
        "objects/created", "sources/updated", "flows/segments_deleted", "objects/deleted",
        "flows/deleted", "sources/deleted",
    ]  # fmt: skip
    assert found[4]["event"]["object"]["id"] == segment["object_id"]
    times = [datetime.fromisoformat(one["event_timestamp"]) for one in found]
    assert times == sorted(times)
    assert all(time.tzinfo for time in times)


async def test_c018_each_event_has_an_id_and_there_are_no_types_but_the_known(server):
    flow = await edited(server, 2)
    await server.segments(flow["id"], [f"[{at}:0_{at + 1}:0)" for at in range(3)])
    found = await events(server, source_ids=flow["source_id"])
    ids = [one["event_id"] for one in found]
    assert len(set(ids)) == len(ids) == 8
    assert [one["event_id"] for one in await events(server, source_ids=flow["source_id"])] == ids
    refusal = (await server.get("/events?types=flows/created,flows/renamed")).is_status(400)
    assert refusal.json["summary"].startswith("types: each must be one of flows/created, ")
    assert refusal.json["summary"].endswith("not 'flows/renamed'")


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
@pytest.mark.parametrize("reverse", [False, True])
async def test_pages_meet_whatever_their_size_and_order(server, limit, reverse):
    flow = await edited(server, 2)
    await edited(server, 2)
    await server.segments(flow["id"], [f"[{at}:0_{at + 1}:0)" for at in range(3)])
    await server.delete(f"/flows/{flow['id']}/segments")
    whole = await events(
        server, flow_ids=flow["id"], types="flows/updated,objects/created,objects/deleted"
    )
    assert len(whole) == 8
    asked = query(
        flow_ids=flow["id"], types="flows/updated,objects/created,objects/deleted",
        limit=str(limit), reverse_order=str(reverse).lower(),
    )  # fmt: skip
    found, _ = await walked(server, f"/events{asked}")
    assert found == (whole[::-1] if reverse else whole)


async def test_who_has_read_all_goes_on_later(server):
    flow = await edited(server, 1)
    asked = query(flow_ids=flow["id"], types="flows/updated", limit="2")
    _, answer = await walked(server, f"/events{asked}")
    place = answer.headers["X-TAMS-Last-Event-Id"]
    assert (await walked(server, f"/events{asked}&page={place}"))[0] == []
    await edited(server, 1)
    again = (await walked(server, f"/events{asked}&page={place}"))[1]
    assert again.json == []
    await server.set(f"/flows/{flow['id']}/label", "later")
    later, _ = await walked(server, f"/events{asked}&page={place}")
    assert labels(later) == ["later"]
    later, _ = await walked(server, f"/events{asked}&page={again.headers['X-TAMS-Last-Event-Id']}")
    assert labels(later) == ["later"]


async def test_a_page_looks_at_a_thousand_events_and_then_goes_on(tmp_path, sqlite_url):
    """So that none lasts, however rare the events are that are asked for."""
    async with serving(tmp_path, sqlite_url) as server:
        flow = await server.flow()
        for label in range(1000):
            await server.set(f"/flows/{flow['id']}/label", str(label))
        await server.delete(f"/flows/{flow['id']}")
        asked = query(types="flows/deleted")
        first = (await server.get(f"/events{asked}")).is_status(200)
        assert first.json == []
        assert first.headers["X-Paging-NextKey"] == first.headers["X-TAMS-Last-Event-Id"]
        found, _ = await walked(server, f"/events{asked}")
        assert types(found) == ["flows/deleted"]


async def test_events_of_one_type_have_a_path_of_their_own(server):
    flow = await edited(server, 1)
    found = await events(server, "/events/flows/updated", flow_ids=flow["id"])
    assert found == await events(server, flow_ids=flow["id"], types="flows/updated")
    assert labels(found) == ["0"]
    (await server.get("/events/flows/renamed")).is_status(404)
    (await server.get("/events/flow.created/x")).is_status(404)
    (await server.get("/events/flows/updated?types=flows/created")).is_status(400)


async def test_filters_are_those_of_webhooks_and_all_must_pass(server):
    flow = await edited(server, 1)
    other = await edited(server, 1, source_id=flow["source_id"])
    await events(server)  # what is told has its place, and what collects its Flow at that time
    multi = await server.flow("multi", flow_collection=[{"id": flow["id"]}])
    await server.set(f"/flows/{flow['id']}/label", "collected")

    async def seen(**filters):
        return labels(await events(server, types="flows/updated", **filters))

    assert await seen(flow_ids=f"{flow['id']},{other['id']}") == ["0", "0", "collected"]
    assert await seen(source_ids=flow["source_id"], flow_ids=other["id"]) == ["0"]
    assert await seen(source_ids=new_id(), flow_ids=other["id"]) == []
    assert await seen(flow_collected_by_ids=multi["id"]) == ["collected"]
    assert await seen(source_collected_by_ids=multi["source_id"]) == ["collected"]
    assert await seen(flow_collected_by_ids="", source_ids=flow["source_id"]) == ["0", "0"]
    assert await seen(entity=other["id"]) == ["0"]
    [source] = await events(server, entity=flow["source_id"], types="sources/created")
    assert source["event"]["source"]["id"] == flow["source_id"]


async def test_a_part_of_time_begins_with_its_first_moment_and_ends_before_its_last(server):
    flow = await edited(server, 3)
    found = await events(server, flow_ids=flow["id"], types="flows/updated")
    times = [one["event_timestamp"] for one in found]
    asked = {"flow_ids": flow["id"], "types": "flows/updated"}
    assert await events(server, **asked, **{"from": times[1]}) == found[1:]
    assert await events(server, **asked, to=times[1]) == found[:1]
    assert await events(server, **asked, **{"from": times[0]}, to=times[2]) == found[:2]
    here = datetime.fromisoformat(times[1]) + timedelta(hours=2)
    assert (
        await events(server, **asked, to=f"{here.replace(tzinfo=None).isoformat()}+02:00")
        == (found[:1])
    )
    backwards = await events(server, **asked, **{"from": times[1]}, reverse_order="true")
    assert backwards == found[:0:-1]
    part = query(asked | {"to": times[2], "limit": "1"})
    assert (await walked(server, f"/events{part}"))[0] == found[:2]


async def test_c008_urls_are_as_asked_for(server):
    """In events of Segments and of Objects, by the options that webhooks have."""
    flow = await server.flow()
    await server.segments(flow["id"], ["[0:0_1:0)"])
    [backend] = [
        b for b in await server.read("/service/storage-backends") if b.get("default_storage")
    ]

    async def shown(**options):
        kinds = "flows/segments_added,objects/created"
        added, made = await events(server, flow_ids=flow["id"], types=kinds, **options)
        [segment] = added["event"]["segments"]
        assert segment.get("get_urls") == made["event"]["object"].get("get_urls")
        return segment

    [plain] = (await shown())["get_urls"]
    assert (plain["label"], plain["presigned"]) == ("hot", True)
    assert "storage_id" not in plain
    [verbose] = (await shown(verbose_storage="true"))["get_urls"]
    assert (verbose["storage_id"], verbose["controlled"]) == (backend["id"], True)
    assert "get_urls" not in await shown(accept_get_urls="")
    assert "get_urls" not in await shown(accept_get_urls="cold")
    assert "get_urls" not in await shown(accept_storage_ids=new_id())
    assert "get_urls" not in await shown(presigned="false")
    assert len((await shown(accept_storage_ids=backend["id"], presigned="true"))["get_urls"]) == 1
    assert (await shown(include_object_timerange="true"))["object_timerange"] == "[0:0_1:0)"
    assert "object_timerange" not in await shown()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("page=x", "page: it must be the id of an event"),
        ("page=1.-2", "page: it must be the id of an event"),
        ("page=-1", "page: it must be the id of an event"),
        ("limit=0", "limit: it must be 1 or more"),
        ("limit=x", "limit: it must be a whole number"),
        ("reverse_order=1", "reverse_order: it must be true or false"),
        ("from=yesterday", "from: it must be a time such as"),
        ("from=2026-01-31T12:00:00", "from: it must be a time such as"),
        ("to=2026-13-01T00:00:00Z", "to: it must be a time such as"),
        ("source_ids=", "source_ids: it must hold at least one"),
        ("accept_storage_ids=x", "accept_storage_ids: it must be a lower-case UUID"),
        ("verbose_storage=yes", "verbose_storage: it must be true or false"),
        ("last_event_id=1", "query: it must have no parameter but"),
        ("sort_by=created", "query: it must have no parameter but"),
    ],
)
async def test_what_no_page_can_be_is_refused(server, wrong, reason):
    refusal = (await server.get(f"/events?{wrong}")).is_status(400)
    assert refusal.json["summary"].startswith(reason)


async def test_a_history_in_which_nothing_has_happened(tmp_path, sqlite_url):
    async with serving(tmp_path, sqlite_url) as server:
        answer = (await server.get("/events")).is_status(200)
        assert answer.json == []
        assert await events(server, reverse_order="true") == []
        assert (await server.head("/events")).is_status(200).body == b""
        await server.flow()
        place = answer.headers["X-TAMS-Last-Event-Id"]
        assert types(await events(server, page=place)) == ["sources/created", "flows/created"]
