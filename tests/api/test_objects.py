"""`/objects/{objectId}` over HTTP, beside what the checks of the standard see."""

from __future__ import annotations

import asyncio

import pytest

from tams.conformance.media import object_path, store
from tams.conformance.server import new_id, query

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_object_tells_its_flows_time_and_urls(server):
    flow_id = (await server.flow())["id"]
    object_id = await store(server, flow_id, "[1:0_2:0)")
    answer = (await server.get(object_path(object_id))).is_status(200)
    (entry,) = answer.json["get_urls"]
    assert answer.json == {
        "id": object_id,
        "referenced_by_flows": [flow_id],
        "first_referenced_by_flow": flow_id,
        "timerange": "[1:0_2:0)",
        "get_urls": [entry],
    }
    assert set(entry) == {"url", "presigned", "label"}
    assert answer.headers["X-Paging-Limit"] == "100"


async def test_filters_leave_the_object_and_take_its_urls(server):
    object_id = await store(server, (await server.flow())["id"], "[1:0_2:0)")
    path = object_path(object_id)
    for asked in (
        {"accept_get_urls": ""},
        {"accept_storage_ids": new_id()},
        {"presigned": "false"},
        {"storage_backend_tag.tier": "cold"},
        {"storage_backend_tag_exists.tier": "false"},
    ):
        assert "get_urls" not in await server.read(path + query(asked))
    verbose = await server.read(path + query(verbose_storage="true"))
    assert verbose["get_urls"][0]["tags"] == {"tier": "hot", "rooms": ["one", "two"]}


@pytest.mark.parametrize("object_id", ["a%00b", "%ff"])
async def test_an_id_that_is_no_text_names_nothing(server, object_id):
    message = (await server.get(f"/objects/{object_id}")).is_status(404).json["message"]
    assert object_id in message


@pytest.mark.parametrize(
    "asked", [{"limit": "0"}, {"page": "\n"}, {"flow_tag_exists.x": "1"}, {"presigned": "maybe"}]
)
async def test_a_bad_query_is_refused_by_name(server, asked):
    object_id = await store(server, (await server.flow())["id"], "[1:0_2:0)")
    answer = await server.get(object_path(object_id) + query(asked))
    (named,) = asked
    assert answer.is_status(400).json["message"].startswith(f"{named}: ")


async def test_there_is_no_object_that_nothing_refers_to(server):
    answer = (await server.get(object_path("no/such Ü"))).is_status(404)
    assert answer.json["message"] == "there is no Object no/such Ü"


async def test_an_object_that_is_re_used_while_it_is_let_go_lives_or_is_refused(server):
    owner, other = [(await server.flow())["id"] for _ in range(2)]
    for second in range(10):
        timerange = f"[{second}:0_{second + 1}:0)"
        object_id = await store(server, owner, timerange)
        body = {"object_id": object_id, "timerange": timerange}
        let_go, re_used = await asyncio.gather(
            server.delete(f"/flows/{owner}/segments"), server.post(f"/flows/{other}/segments", body)
        )
        let_go.is_status(204)
        lives = re_used.is_status(201, 400).status == 201
        (await server.get(object_path(object_id))).is_status(200 if lives else 404)
