"""Rows of the vendor's inventory about the service, its documents, errors and webhooks."""

from __future__ import annotations

import re

import pytest

from tams import __version__
from tams.conformance.media import external, store
from tams.conformance.server import new_id
from tams.conformance.subscriptions import WEBHOOKS, idle_body
from tests.ledger import ledger
from tests.receivers import noting
from tests.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORIGIN = "https://editor.example"


async def kept(server):
    """All that the server keeps."""
    return await ledger(server.catalogue, server.folder)


async def test_a004_a005_a006_the_service_tells_its_type_its_versions_and_its_words(server):
    service = await server.read("/service")
    assert service["type"].startswith("urn:x-tams:service:")
    assert service["type"] != "urn:x-tams:service:"
    assert re.fullmatch(r"[0-9]+\.[0-9]+", service["api_version"])
    assert service["service_version"] == __version__ != ""
    assert {"name": "webhooks"} in service["event_stream_mechanisms"]
    assert service["min_object_timeout"] == "7200:0"
    words = {"name": "The store", "description": "Of the house"}
    (await server.post("/service", words)).is_status(200)
    assert await server.read("/service") == service | words
    (await server.post("/service", {"name": 5})).is_status(400)
    assert await server.read("/service") == service | words


async def test_a008_the_service_lists_its_storage_backends(server):
    hot, cold = await server.read("/service/storage-backends")
    for backend in (hot, cold):
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", backend["id"])
        assert backend["store_type"] == "http_object_store"
        assert backend["provider"]
        assert backend["store_product"]
    assert (hot["label"], hot["region"], hot["default_storage"]) == ("hot", "here", True)
    assert "default_storage" not in cold


async def test_a013_the_api_is_described_for_readers_and_for_programs(server):
    for path in ("/docs", "/redoc"):
        answer = (await server.get(path)).is_status(200)
        assert "text/html" in answer.headers["Content-Type"]
        assert b"/openapi.json" in answer.body
    paths = (await server.read("/openapi.json"))["paths"]
    assert {"/sources", "/flows/{resource_id}", "/objects", "/collections", "/health"} <= set(paths)
    assert {"get", "post"} <= set(paths["/sources"])


@pytest.mark.parametrize("path", ["/sources", "/flows", "/objects", "/health"])
async def test_a015_options_are_answered_with_and_without_an_origin(server, path):
    method = "GET" if path == "/health" else "POST"
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": method}
    answer = (await server.request("OPTIONS", path, headers=asked)).is_status(200)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert method in answer.headers["Access-Control-Allow-Methods"]
    answer = (await server.request("OPTIONS", path)).is_status(200)
    assert method in answer.headers["Allow"].split(", ")


async def test_a015_origins_are_configurable(tmp_path):
    chosen = f"{ORIGIN}, https://other.example:8443"
    async with serving(tmp_path, "sqlite:///:memory:", cors_origins=chosen) as server:
        for origin, allowed in ((ORIGIN, ORIGIN), ("https://evil.example", None)):
            asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
            answer = await server.request("OPTIONS", "/sources", headers=asked)
            assert answer.status == (200 if allowed else 400)
            for told in (answer, await server.get("/sources", headers={"Origin": origin})):
                assert told.headers.get("Access-Control-Allow-Origin") == allowed


async def test_a181_webhooks_are_listed_and_made(server):
    made = [(await server.post(WEBHOOKS, idle_body())).is_status(201).json for _ in range(2)]
    listed = await server.read(f"{WEBHOOKS}?limit=1000")
    assert all(one in listed for one in made)
    for one in made:
        (await server.delete(f"{WEBHOOKS}/{one['id']}")).is_status(204)


async def test_a182_a_webhook_has_a_url_a_key_and_events(server):
    body = idle_body(api_key_name="X-Key", api_key_value="hidden", events=["sources/created"])
    made = (await server.post(WEBHOOKS, body)).is_status(201).json
    assert (made["url"], made["events"]) == (body["url"], ["sources/created"])
    assert made["api_key_name"] == "X-Key"
    assert "hidden" not in str(made)
    before = await kept(server)
    for wrong in ("ftp://example.com", "file:///etc/passwd", "example.com", "https://", "", 5):
        refusal = (await server.post(WEBHOOKS, idle_body(url=wrong))).is_status(400)
        assert refusal.json["summary"].startswith("url")
    assert await kept(server) == before


@pytest.mark.parametrize(
    "name", ["flow_ids", "source_ids", "flow_collected_by_ids", "source_collected_by_ids"]
)
async def test_a183_l13_a_filter_is_validated_and_kept(server, name):
    ids = [new_id(), new_id()]
    made = (await server.post(WEBHOOKS, idle_body(**{name: ids}))).is_status(201).json
    assert (await server.read(f"{WEBHOOKS}/{made['id']}"))[name] == ids
    before = await kept(server)
    for wrong in (["x"], "x", [5], [new_id().upper()], {}):
        refusal = (await server.post(WEBHOOKS, idle_body(**{name: wrong}))).is_status(400)
        assert refusal.json["summary"].startswith(name)
    assert await kept(server) == before


async def test_l13_filters_are_applied_together(server):
    collector, loner = await server.flow("multi"), await server.flow()
    flow = await server.flow()
    item = {"flow_collection": [{"id": flow["id"]}, {"id": loner["id"]}]}
    await server.set(f"/flows/{collector['id']}/flow_collection", item["flow_collection"])
    wanted = {
        "flow_ids": [flow["id"], collector["id"]],
        "source_ids": [flow["source_id"], loner["source_id"]],
        "flow_collected_by_ids": [collector["id"]],
        "source_collected_by_ids": [collector["source_id"]],
    }
    async with noting() as receiver:
        body = {"url": receiver.url, "events": ["flows/updated"], **wanted}
        webhook = (await server.post(WEBHOOKS, body)).is_status(201).json
        for one in (collector, loner, flow):
            await server.set(f"/flows/{one['id']}/label", "new")
        await server.wait(1)
        await server.delete(f"{WEBHOOKS}/{webhook['id']}")
    assert [told["event"]["flow"]["id"] for _, told in receiver.accepted] == [flow["id"]]


async def test_a184_a_webhook_says_which_urls_it_wants(server):
    (backend, _) = await server.read("/service/storage-backends")
    options = {
        "accept_get_urls": ["hot"],
        "accept_storage_ids": [backend["id"]],
        "presigned": True,
        "verbose_storage": True,
    }
    async with noting() as receiver:
        body = {"url": receiver.url, "events": ["flows/segments_added"], **options}
        webhook = (await server.post(WEBHOOKS, body)).is_status(201).json
        assert {name: webhook[name] for name in options} == options
        flow_id = (await server.flow())["id"]
        await store(server, flow_id, "[0:0_1:0)")
        place = {"url": "https://media.example/x", "label": "elsewhere"}
        away = external("[1:0_2:0)", place)
        (await server.post(f"/flows/{flow_id}/segments", away)).is_status(201)
        await server.wait(1)
        await server.delete(f"{WEBHOOKS}/{webhook['id']}")
    here, there = [told["event"]["segments"][0] for _, told in receiver.accepted]
    [url] = here["get_urls"]
    assert (url["label"], url["storage_id"], url["presigned"]) == ("hot", backend["id"], True)
    assert url["store_type"] == "http_object_store"
    assert not there.get("get_urls")


async def test_a200_an_error_has_a_detail(server):
    for path in (f"/flows/{new_id()}", f"/sources/{new_id()}", "/objects/none", "/nothing"):
        refusal = (await server.get(path)).is_status(404).json
        assert isinstance(refusal["detail"], str)
        assert refusal["detail"]
    refusal = (await server.get("/flows?limit=x")).is_status(400).json
    assert refusal["detail"] == refusal["summary"]


async def test_a202_each_outcome_has_its_status(server):
    flow = (await server.post("/flows", {"name": "x"})).is_status(201).json
    path = f"/flows/{flow['id']}"
    (await server.get(path)).is_status(200)
    (await server.put(f"{path}/label", "y")).is_status(204)
    (await server.put(f"{path}/label", 5)).is_status(400)
    (await server.get(f"/flows/{new_id()}")).is_status(404)
    (await server.post("/flows", {"id": flow["id"]})).is_status(409)
    await server.set(f"{path}/read_only", True)
    (await server.put(f"{path}/label", "z")).is_status(403)
