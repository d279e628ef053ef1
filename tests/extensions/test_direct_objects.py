"""Ids of Objects that are reserved before there is anything to store."""

from __future__ import annotations

import pytest

from tams.conformance.media import external, new_media, object_path
from tams.conformance.server import new_id
from tests.ledger import ledger

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY_S = 86400


async def reserve(server, **fields):
    """POST what is given, and return the answer."""
    return (await server.post("/objects", fields)).is_status(201).json


async def kept(server):
    """All that the server keeps."""
    return await ledger(server.catalogue, server.folder)


async def test_a144_a_post_makes_an_object_that_the_server_dates(server):
    object_id = f"clips/{new_id()} Ü"
    given = {"object_id": object_id, "size": 3072, "created": None, "flow_references": []}
    answer = (await server.post("/objects", given)).is_status(201)
    made = answer.json
    created = made.pop("created")
    assert created.endswith("Z")
    assert made == {"id": object_id, "referenced_by_flows": [], "size": 3072}
    (await server.get(object_path(object_id))).is_status(404)


async def test_an_id_that_is_missing_is_made(server):
    one, other = await reserve(server), await reserve(server, size=0)
    assert one["id"] != other["id"]
    assert "size" not in one
    assert other["size"] == 0


async def test_a145_l07_every_object_of_a_batch_is_dated(server):
    bodies = [{"id": new_id()}, {}, {"object_id": new_id(), "size": 5}]
    made = (await server.post("/objects/batch", bodies)).is_status(201).json
    assert (made[0]["id"], made[2]["id"]) == (bodies[0]["id"], bodies[2]["object_id"])
    assert all(one["created"] for one in made)
    assert all(one["referenced_by_flows"] == [] for one in made)
    for one in made:
        (await server.post("/objects", {"id": one["id"]})).is_status(409)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"size": -1}, "size: it must be a number of bytes, 0 or more, not -1"),
        ({"size": 1.5}, "size: "),
        ({"size": "5"}, "size: "),
        ({"size": True}, "size: "),
        ({"size": 2**63}, "size: "),
        ({"id": ""}, "id: each id must have 1 to 1024 bytes"),
        ({"object_id": ""}, "id: each id must have 1 to 1024 bytes"),
        ({"id": "a" * 1025}, "id: each id must have 1 to 1024 bytes"),
        ({"id": 5}, "id: it must be a string"),
        ({"id": "a\0b"}, "id: it must not hold a NUL character"),
    ],
)
async def test_a148_an_id_is_not_empty_and_a_size_is_not_negative(server, wrong, named):
    before = await kept(server)
    refusal = (await server.post("/objects", wrong)).is_status(400)
    assert refusal.json["summary"].startswith(named)
    refusal = (await server.post("/objects/batch", [{}, wrong])).is_status(400)
    assert refusal.json["summary"].startswith(f"1.{named}")
    assert await kept(server) == before


@pytest.mark.parametrize("content", [b"", b"[]", b"5", b"{", b'{"size": NaN}', b"\xff"])
@pytest.mark.parametrize("path", ["/objects", "/objects/batch"])
async def test_what_is_no_object_is_refused(server, path, content):
    (await server.post(path, content=content)).is_status(400)


async def test_an_id_that_something_has_is_a_conflict(server):
    flow_id = (await server.flow())["id"]
    registered = (await server.segment(flow_id, "[0:0_1:0)"))["object_id"]
    [allocated] = await server.allocate(flow_id)
    reserved = await reserve(server)
    before = await kept(server)
    for object_id in (registered, allocated["object_id"], reserved["id"]):
        refusal = (await server.post("/objects", {"id": object_id})).is_status(409).json
        assert refusal["summary"] == f"id: there is an Object {object_id} already"
        batch = [{}, {"id": new_id()}, {"id": object_id}]
        refusal = (await server.post("/objects/batch", batch)).is_status(409).json
        assert refusal["summary"].startswith("2.id: ")
    twice = {"id": new_id()}
    (await server.post("/objects/batch", [twice, twice])).is_status(409)
    for wrong in ([], [{}] * 1001):
        refusal = (await server.post("/objects/batch", wrong)).is_status(400).json
        assert refusal["summary"].startswith("body: it must be an array of 1 to 1000 items")
    assert await kept(server) == before


async def test_it_is_kept_for_as_long_as_nobody_uses_it(server):
    reserved = await reserve(server)
    await server.wait(400 * DAY_S)
    (await server.post("/objects", {"id": reserved["id"]})).is_status(409)


async def test_storage_can_be_allocated_for_it(server):
    object_id = (await reserve(server, size=1))["id"]
    flow_id = (await server.flow())["id"]
    asked = {"object_ids": [object_id]}
    answer = await server.post(f"/flows/{flow_id}/storage", asked)
    [allocated] = answer.is_status(201).json["media_objects"]
    (await server.upload(allocated, new_media())).is_status(200, 201, 204)
    await server.segment(flow_id, "[0:0_1:0)", object_id=object_id)
    found = await server.read(object_path(object_id))
    assert found["referenced_by_flows"] == [flow_id]


async def test_an_object_elsewhere_may_have_it(server):
    object_id = (await reserve(server))["id"]
    flow_id = (await server.flow())["id"]
    place = {"url": "https://media.example/x", "label": "elsewhere"}
    post = external("[0:0_1:0)", place) | {"object_id": object_id}
    (await server.post(f"/flows/{flow_id}/segments", post)).is_status(201)
    assert (await server.read(object_path(object_id)))["id"] == object_id


async def test_it_outlives_an_allocation_that_expires_and_goes_with_the_object(server):
    flow_id = (await server.flow())["id"]
    object_id = (await reserve(server))["id"]
    asked = {"object_ids": [object_id]}
    for _ in range(2):
        (await server.post(f"/flows/{flow_id}/storage", asked)).is_status(201)
        await server.wait(DAY_S)
    (await server.post("/objects", {"id": object_id})).is_status(409)
    (await server.post(f"/flows/{flow_id}/storage", asked)).is_status(201)
    await server.segment(flow_id, "[0:0_1:0)", object_id=object_id)
    (await server.delete(f"/flows/{flow_id}/segments")).is_status(204)
    (await server.post("/objects", {"id": object_id})).is_status(409)
    await server.wait(DAY_S)
    await reserve(server, id=object_id)


async def test_a_segment_without_a_place_does_not_use_it(server):
    object_id = (await reserve(server))["id"]
    flow_id = (await server.flow())["id"]
    before = await kept(server)
    post = {"object_id": object_id, "timerange": "[0:0_1:0)"}
    refusal = (await server.post(f"/flows/{flow_id}/segments", post)).is_status(400)
    assert refusal.json["summary"].endswith("allocate it first")
    assert await kept(server) == before


@pytest.mark.parametrize("asked", ["", "?soft_delete=true"])
async def test_it_can_be_given_up(server, asked):
    object_id = (await reserve(server, id=f"a/{new_id()}"))["id"]
    path = object_path(object_id)
    (await server.delete(f"{path}{asked}")).is_status(204)
    (await server.delete(f"{path}{asked}")).is_status(404)
    (await server.post(f"{path}/restore")).is_status(404)
    await reserve(server, id=object_id)


async def test_it_ends_with_what_was_allocated_for_it_unless_that_may_come_back(server):
    flow_id = (await server.flow())["id"]
    for asked, ends in (("", True), ("?soft_delete=true", False)):
        object_id = (await reserve(server))["id"]
        allocation = await server.post(f"/flows/{flow_id}/storage", {"object_ids": [object_id]})
        allocation.is_status(201)
        (await server.delete(f"{object_path(object_id)}{asked}")).is_status(204)
        (await server.post("/objects", {"id": object_id})).is_status(409)
        await server.wait(DAY_S)
        answer = await server.post("/objects", {"id": object_id})
        answer.is_status(201 if ends else 409)


async def test_what_a_segment_uses_is_not_given_up(server):
    flow_id = (await server.flow())["id"]
    object_id = (await reserve(server))["id"]
    (await server.post(f"/flows/{flow_id}/storage", {"object_ids": [object_id]})).is_status(201)
    await server.segment(flow_id, "[0:0_1:0)", object_id=object_id)
    before = await kept(server)
    (await server.delete(object_path(object_id))).is_status(409)
    assert await kept(server) == before
