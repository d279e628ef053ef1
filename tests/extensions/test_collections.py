"""Collections by name, of Flows and of Sources."""

from __future__ import annotations

import pytest

from tams.conformance.server import new_id
from tests.ledger import ledger

pytestmark = pytest.mark.asyncio(loop_scope="module")

KINDS = {"flow": "/collections", "source": "/source-collections"}


@pytest.fixture(params=["flow", "source"])
def kind(request):
    return request.param


async def member(server, kind):
    """The id of a new Flow or Source."""
    flow = await server.flow()
    return flow["id"] if kind == "flow" else flow["source_id"]


async def make(server, kind, *ids, **fields):
    """POST a collection of these members, and return it."""
    body = {"label": "Best of", f"{kind}_ids": list(ids), **fields}
    return (await server.post(KINDS[kind], body)).is_status(201).json


async def kept(server):
    """All that the server keeps."""
    return await ledger(server.catalogue, server.folder)


def one(kind, collection, member_id=None):
    """The path of a collection, or of a member."""
    path = f"{KINDS[kind]}/{collection['id']}"
    return path if member_id is None else f"{path}/{kind}s/{member_id}"


async def members(server, kind, collection, query=""):
    """The ids of the members, as their own list shows them."""
    return [each["id"] for each in await server.read(f"{one(kind, collection)}/{kind}s{query}")]


async def test_a160_a_post_makes_a_collection_of_flows(server):
    ids = [await member(server, "flow") for _ in range(2)]
    made = await make(server, "flow", *ids, description="Of the day")
    assert (made["label"], made["description"]) == ("Best of", "Of the day")
    assert made["flow_ids"] == ids
    assert await server.read(one("flow", made)) == made
    assert made in await server.read("/collections?limit=1000")
    assert made["id"] not in await server.ids("/source-collections", limit="1000")


async def test_a163_so_it_does_of_sources(server):
    ids = [await member(server, "source") for _ in range(2)]
    made = await make(server, "source", *ids)
    assert made["source_ids"] == ids
    found = await server.read(f"/source-collections/{made['id']}/sources")
    assert found == [await server.read(f"/sources/{source_id}") for source_id in ids]
    (await server.get(f"/collections/{made['id']}")).is_status(404)
    (await server.delete(f"/source-collections/{made['id']}")).is_status(204)
    (await server.get(f"/source-collections/{made['id']}")).is_status(404)
    (await server.get(f"/source-collections/{made['id']}/sources")).is_status(404)


async def test_a161_the_flows_of_a_collection_are_shown_whole_in_its_order(server):
    ids = [await member(server, "flow") for _ in range(3)][::-1]
    made = await make(server, "flow", *ids)
    found = await server.read(f"/collections/{made['id']}/flows")
    assert found == [await server.read(f"/flows/{flow_id}") for flow_id in ids]


async def test_a162_a_collection_is_deleted_and_its_members_are_not(server, kind):
    member_id = await member(server, kind)
    made = await make(server, kind, member_id)
    (await server.delete(one(kind, made))).is_status(204)
    (await server.get(one(kind, made))).is_status(404)
    (await server.delete(one(kind, made))).is_status(404)
    (await server.get(f"/{kind}s/{member_id}")).is_status(200)
    again = await make(server, kind, id=made["id"])
    assert again[f"{kind}_ids"] == []


async def test_a164_a_collection_has_an_id_a_label_members_and_a_date(server, kind):
    chosen, member_id = new_id(), await member(server, kind)
    body = {"collection_id": chosen, "name": "Named", "members": [{"id": member_id}]}
    made = (await server.post(KINDS[kind], body)).is_status(201).json
    assert (made["id"], made["label"]) == (chosen, "Named")
    assert made[f"{kind}_ids"] == [member_id]
    assert made["created"] == made["updated"]
    assert "description" not in made
    before = await kept(server)
    for wrong, named in (
        ({"label": ""}, "label: "),
        ({}, "label: "),
        ({"label": 5}, "label: "),
        ({"label": "x\0"}, "label: "),
        ({"label": "x", "description": 5}, "description: "),
        ({"label": "x", "id": "x"}, "id: it must be a lower-case UUID"),
        ({"label": "x", "id": 5}, "id: it must be a lower-case UUID"),
        ({"label": "x", "members": "x"}, "members: "),
        ({"label": "x", "members": ["x"]}, "members.0: "),
        ({"label": "x", "members": [5]}, "members.0: "),
        ({"label": "x", "members": [member_id] * 1001}, "members: there may be at most 1000"),
    ):
        refusal = (await server.post(KINDS[kind], wrong)).is_status(400)
        assert refusal.json["summary"].startswith(named)
    for content in (b"", b"[]", b"{", b"5"):
        (await server.post(KINDS[kind], content=content)).is_status(400)
    refusal = (await server.post(KINDS[kind], {"label": "x", "id": chosen})).is_status(409)
    assert refusal.json["summary"] == f"id: there is a collection {chosen} already"
    assert await kept(server) == before


async def test_a165_a_member_that_does_not_exist_is_refused(server, kind):
    there, unknown = await member(server, kind), new_id()
    made = await make(server, kind, there)
    other = await member(server, "source" if kind == "flow" else "flow")
    before = await kept(server)
    for missing in (unknown, other):
        body = {"label": "x", "members": [there, missing]}
        refusal = (await server.post(KINDS[kind], body)).is_status(400).json
        assert refusal["summary"].startswith("members: each must be the id of a ")
        (await server.put(one(kind, made, missing))).is_status(404)
        (await server.delete(one(kind, made, missing))).is_status(404)
    (await server.put(one(kind, {"id": unknown}, there))).is_status(404)
    (await server.delete(one(kind, {"id": unknown}, there))).is_status(404)
    (await server.put(one(kind, made, "no-id"))).is_status(404)
    assert await kept(server) == before


async def test_members_come_and_go(server, kind):
    first, second, third = [await member(server, kind) for _ in range(3)]
    made = await make(server, kind, first, first, second)
    assert made[f"{kind}_ids"] == [first, second]
    await server.later()
    for _ in range(2):
        (await server.put(one(kind, made, third))).is_status(204)
    (await server.put(one(kind, made, first))).is_status(204)
    assert await members(server, kind, made) == [first, second, third]
    (await server.delete(one(kind, made, second))).is_status(204)
    (await server.delete(one(kind, made, second))).is_status(404)
    assert await members(server, kind, made) == [first, third]
    (await server.put(one(kind, made, second))).is_status(204)
    found = await server.read(one(kind, made))
    assert found[f"{kind}_ids"] == [first, third, second]
    assert found["updated"] > found["created"] == made["created"]


async def test_a_member_that_is_deleted_leaves(server, kind):
    flow = await server.flow()
    member_id = flow["id"] if kind == "flow" else flow["source_id"]
    stays = await member(server, kind)
    made = await make(server, kind, member_id, stays)
    (await server.delete(f"/flows/{flow['id']}")).is_status(204)
    assert (await server.read(one(kind, made)))[f"{kind}_ids"] == [stays]
    await server.flow(id=flow["id"], source_id=flow["source_id"])
    assert await members(server, kind, made) == [stays]
    await server.wait(86400)
    assert await members(server, kind, made) == [stays]
    (await server.put(one(kind, made, member_id))).is_status(204)
    assert await members(server, kind, made) == [stays, member_id]


async def test_collections_and_members_are_listed_in_pages(server, kind):
    label = new_id()
    ids = [await member(server, kind) for _ in range(3)]
    made = [await make(server, kind, *ids, label=label) for _ in range(3)]
    assert {each["id"] for each in made} == set(await server.ids(KINDS[kind], label=label))
    for sort in ("created", "updated", "label"):
        for reverse in ("false", "true"):
            asked = f"{KINDS[kind]}?label={label}&sort_by={sort}&reverse_order={reverse}"
            whole, paged, url = await server.read(asked), [], f"{asked}&limit=1"
            while url:
                answer = (await server.get(url)).is_status(200)
                assert answer.headers["X-Paging-Limit"] == "1"
                paged += answer.json
                key = answer.headers.get("X-Paging-NextKey")
                url = key and f"{asked}&limit=1&page={key}"
            assert paged == whole
            assert len(whole) == 3
    page = await server.get(f"{one(kind, made[0])}/{kind}s?limit=2")
    assert [each["id"] for each in page.json] == ids[:2]
    key = page.headers["X-Paging-NextKey"]
    assert await members(server, kind, made[0], f"?limit=2&page={key}") == ids[2:]
    assert await members(server, kind, made[0], "?reverse_order=true") == ids[::-1]
    for wrong in ("limit=0", "page=x", "sort_by=size"):
        (await server.get(f"{KINDS[kind]}?{wrong}")).is_status(400)
    for wrong in ("limit=0", "page=x"):
        (await server.get(f"{one(kind, made[0])}/{kind}s?{wrong}")).is_status(400)


async def test_a045_the_collections_of_a_source_are_read_and_set_from_its_side(server):
    source_id = await member(server, "source")
    path = f"/sources/{source_id}/source_collection"
    first, second = [await make(server, "source") for _ in range(2)]
    assert await server.read(path) == []
    wanted = sorted([first["id"], second["id"]])
    await server.set(path, [*wanted, wanted[0]])
    assert await server.read(path) == wanted
    assert await members(server, "source", first) == [source_id]
    await server.set(path, [second["id"]])
    assert await server.read(path) == [second["id"]]
    assert await members(server, "source", first) == []
    of_flows = await make(server, "flow")
    before = await kept(server)
    for wrong in ([first["id"], new_id()], [of_flows["id"]], ["x"], [5], {}, "x"):
        refusal = (await server.put(path, wrong)).is_status(400)
        assert refusal.json["summary"].startswith("source_collection")
    (await server.put(f"/sources/{new_id()}/source_collection", [])).is_status(404)
    (await server.get(f"/sources/{new_id()}/source_collection")).is_status(404)
    assert await kept(server) == before
    (await server.delete(f"/source-collections/{second['id']}")).is_status(204)
    assert await server.read(path) == []


async def test_a046_a082_l17_what_the_standard_derives_is_computed_when_it_is_read(server):
    member_flow, collector = await server.flow(), await server.flow("multi")
    flows = [f"/flows/{flow['id']}" for flow in (member_flow, collector)]
    sources = [f"/sources/{flow['source_id']}" for flow in (member_flow, collector)]

    async def derived():
        below, above = [await server.read(path) for path in flows]
        part, whole = [await server.read(path) for path in sources]
        return (
            below.get("collected_by"),
            above.get("flow_collection"),
            part.get("collected_by"),
            whole.get("source_collection"),
        )

    nothing = (None, None, None, None)
    assert await derived() == nothing
    await make(server, "flow", member_flow["id"], collector["id"])
    await make(server, "source", member_flow["source_id"], collector["source_id"])
    assert await derived() == nothing
    item = {"id": member_flow["id"], "role": "picture"}
    await server.set(f"{flows[1]}/flow_collection", [item])
    collected = (
        [collector["id"]],
        [item],
        [collector["source_id"]],
        [{"id": member_flow["source_id"], "role": "picture"}],
    )
    assert await derived() == collected
    await server.unset(f"{flows[1]}/flow_collection")
    assert await derived() == nothing
    await server.set(f"{flows[1]}/flow_collection", [item])
    assert await derived() == collected
    (await server.delete(flows[0])).is_status(204)
    assert "flow_collection" not in await server.read(flows[1])
    assert "source_collection" not in await server.read(sources[1])


async def test_a_read_only_flow_may_be_put_together_with_others(server):
    flow_id = await member(server, "flow")
    await server.set(f"/flows/{flow_id}/read_only", True)
    made = await make(server, "flow", flow_id)
    (await server.delete(one("flow", made, flow_id))).is_status(204)


async def test_c002_what_becomes_of_a_collection_is_told(server):
    made = (await server.post("/collections", {"label": "Rushes"})).is_status(201).json
    flow = await server.flow()
    member = f"/collections/{made['id']}/flows/{flow['id']}"
    (await server.put(member)).is_status(204)
    (await server.put(member)).is_status(204)  # nothing changes
    (await server.delete(f"/collections/{made['id']}")).is_status(204)
    await server.wait(1)
    told = await server.read(f"/events?entity={made['id']}")
    kinds = [one["event_type"] for one in told]
    assert kinds == [f"collections/{fate}" for fate in ("created", "updated", "deleted")]
    assert told[0]["event"] == {"collection": made}
    assert told[1]["event"]["collection"]["flow_ids"] == [flow["id"]]
    assert told[2]["event"] == {"collection_id": made["id"]}
