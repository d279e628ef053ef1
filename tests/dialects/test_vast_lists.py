"""Lists below `/vast` understand the parameters of the root, and read no more than is asked for."""

from __future__ import annotations

import pytest

from tams.catalogue.sql import listing
from tams.conformance.server import new_id
from tests.authority import bearer, token, visiting

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _told(server, path):
    told = (await server.get(f"/vast{path}")).is_status(200).json
    return told["data"], told["paging"]["total"]


@pytest.mark.parametrize(("noun", "key"), [("flows", "id"), ("sources", "source_id")])
async def test_an_order_is_that_of_the_root(server, noun, key):
    name = new_id()
    made = []
    for label in ("b", "a", "c"):
        flow = await server.flow(label=label, tags={name: "x"})
        made.append(flow[key])
        await server.set(f"/sources/{flow['source_id']}/label", label)
    second, first, third = made
    for query, order in (
        ("", made[::-1]),
        ("&reverse_order=true", made),
        ("&sort_by=label", [first, second, third]),
        ("&sort_by=label&reverse_order=true", [third, second, first]),
    ):
        path = f"/{noun}?tag.{name}=x{query}"
        found, total = await _told(server, path)
        assert ([one["id"] for one in found], total) == (order, 3)
        [last], _ = await _told(server, f"{path}&limit=1&page=3")
        assert last["id"] == order[2]
    for wrong in ("sort_by=zzz", "reverse_order=x"):
        refused = (await server.get(f"/vast/{noun}?{wrong}")).is_status(422).json
        assert refused["detail"][0]["loc"] == ["query", wrong.partition("=")[0]]


@pytest.mark.parametrize("noun", ["flows", "sources"])
async def test_what_was_deleted_is_listed_and_counted(server, noun):
    label = new_id()
    made = []
    for _ in range(3):
        flow = await server.flow(label=label)
        await server.set(f"/sources/{flow['source_id']}/label", label)
        made.append(flow["id"] if noun == "flows" else flow["source_id"])
    for gone in made[:2]:
        (await server.delete(f"/vast/{noun}/{gone}")).is_status(204)
    path = f"/{noun}?label={label}"
    found, total = await _told(server, f"{path}&deleted=only")
    assert ({one["id"] for one in found}, total) == (set(made[:2]), 2)
    assert all(one["deleted"] and one["deleted_at"].endswith("+00:00") for one in found)
    assert all("tags" in one and "metadata_updated" not in one for one in found)
    [last], total = await _told(server, f"{path}&deleted=include&limit=2&offset=2")
    assert total == 3
    found, _ = await _told(server, f"{path}&deleted=include")
    assert sorted(one["id"] for one in found) == sorted(made)
    assert last == found[2]
    assert [one["id"] for one in found if not one["deleted"]] == made[2:]
    found, total = await _told(server, path)
    assert ([one["id"] for one in found], total) == (made[2:], 1)
    refused = (await server.get(f"/vast{path}&deleted=all")).is_status(422).json
    assert refused["detail"][0]["loc"] == ["query", "deleted"]


async def test_what_was_deleted_is_shown_to_admins_alone(tmp_path):
    async with visiting(tmp_path) as guarded:
        shown = bearer(token("tams-api/read"))
        for noun in ("flows", "sources"):
            (await guarded.get(f"/vast/{noun}?deleted=only")).is_status(200)
            (await guarded.get(f"/vast/{noun}?deleted=only", headers=shown)).is_status(403)


async def test_segments_are_turned_round_and_their_urls_chosen(server):
    flow = await server.flow()
    await server.segments(flow["id"], ["[0:0_1:0)", "[1:0_2:0)"])
    url = {"url": "https://elsewhere.example.com/a", "label": f"mine-{new_id()}"}
    await server.segment(
        flow["id"], "[2:0_3:0)", object_id=new_id(), object_timerange="[2:0_9:0)", get_urls=[url]
    )
    path = f"/flows/{flow['id']}/segments"
    found, _ = await _told(server, f"{path}?reverse_order=true")
    assert [one["timerange"] for one in found] == ["[2:0_3:0)", "[1:0_2:0)", "[0:0_1:0)"]
    assert all("object_timerange" not in one for one in found)

    async def numbers(query):
        found, total = await _told(server, f"{path}?{query}")
        assert total == 3
        return [len(one["get_urls"]) for one in found]

    assert await numbers("") == [2, 2, 1]
    assert await numbers("accept_get_urls=") == [0, 0, 0]
    assert await numbers(f"accept_get_urls={url['label']}") == [0, 0, 1]
    assert await numbers("accept_get_urls=hot") == [2, 2, 0]
    assert await numbers("presigned=true") == [2, 2, 0]
    assert await numbers("presigned=false") == [0, 0, 1]
    assert await numbers(f"accept_storage_ids={new_id()}") == [0, 0, 0]
    assert await numbers("storage_backend_tag.tier=hot") == [2, 2, 0]
    found, _ = await _told(server, f"{path}?include_object_timerange=true")
    assert [one["object_timerange"] for one in found] == ["[0:0_1:0)", "[1:0_2:0)", "[2:0_9:0)"]
    for wrong in ("presigned", "reverse_order", "include_object_timerange", "verbose_storage"):
        refused = (await server.get(f"/vast{path}?{wrong}=x")).is_status(422).json
        assert refused["detail"][0]["loc"] == ["query", wrong]


async def test_webhooks_and_requests_are_read_as_far_as_is_asked(server, monkeypatch):
    name = new_id()
    urls = [f"http://127.0.0.1:9/{name}/{number}" for number in range(4)]
    for url in urls:
        body = {"url": url, "events": ["flows/created"], "tags": {name: "x"}}
        (await server.post("/service/webhooks", body)).is_status(201)
        flow = await server.flow()
        (await server.post("/deletion-requests", {"flow_id": flow["id"]})).is_status(201)
    seen = []
    page = listing.Listing.page

    async def noted(self, connection, filters, request):
        seen.append(request.limit)
        return await page(self, connection, filters, request)

    monkeypatch.setattr(listing.Listing, "page", noted)
    found, total = await _told(server, f"/webhooks?tag.{name}=x&limit=1&offset=2")
    assert ([one["url"] for one in found], total) == ([urls[2]], 4)
    assert set(seen) == {2, 1}
    found, _ = await _told(server, f"/webhooks?tag.{name}=x&reverse_order=true")
    assert [one["url"] for one in found] == urls[::-1]
    seen.clear()
    _, total = await _told(server, "/deletion-requests?limit=1")
    assert total >= 4
    assert set(seen) == {1}
    newest, _ = await _told(server, "/deletion-requests")
    oldest, _ = await _told(server, "/deletion-requests?reverse_order=true&sort_by=created")
    assert oldest == newest[::-1]
