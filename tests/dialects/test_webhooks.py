"""Webhooks under the base paths of versions: how they are managed, and what they are told."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from tams.conformance.server import new_id
from tams.conformance.subscriptions import EVERY
from tests.dialects.driving import INIT, OLD_WEBHOOKS, VFR
from tests.official import MISSING, document
from tests.receivers import noting

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOOKS = "/service/webhooks"


def a_hook(**fields):
    return {"url": f"http://127.0.0.1:9/{new_id()}", "events": ["flows/deleted"], **fields}


async def _ids(server, url):
    return [one["id"] for one in await server.read(HOOKS) if one["url"] == url]


@pytest.mark.parametrize("version", OLD_WEBHOOKS)
async def test_a_second_post_changes_the_webhook_of_that_url_and_key(server, api):
    hook = a_hook(api_key_name="X-Key", api_key_value="secret")
    (await api.post(HOOKS, hook)).is_status(201)
    first = await _ids(server, hook["url"])
    changed = hook | {"events": ["flows/created", "flows/updated"]}
    (await api.post(HOOKS, changed)).is_status(201)
    assert await _ids(server, hook["url"]) == first
    [seen] = [one for one in await api.read(HOOKS) if one["url"] == hook["url"]]
    del changed["api_key_value"]
    assert seen == changed
    (await api.post(HOOKS, hook | {"api_key_value": "another"})).is_status(201)
    (await api.post(HOOKS, a_hook(url=hook["url"]))).is_status(201)
    assert len(await _ids(server, hook["url"])) == 3


@pytest.mark.parametrize("version", OLD_WEBHOOKS)
async def test_a_post_without_events_removes_it(server, api):
    hook = a_hook(api_key_name="X-Key", api_key_value="secret")
    other = hook | {"api_key_value": "another"}
    for one in (hook, other):
        (await api.post(HOOKS, one)).is_status(201)
    (await api.post(HOOKS, hook | {"events": []})).is_status(204)
    assert len(await _ids(server, hook["url"])) == 1
    (await api.post(HOOKS, hook | {"events": []})).is_status(204)
    (await api.post(HOOKS, other | {"events": []})).is_status(204)
    assert await _ids(server, hook["url"]) == []
    (await api.post(HOOKS, {"url": 5, "events": []})).is_status(400)


@pytest.mark.parametrize("version", OLD_WEBHOOKS)
async def test_what_a_later_webhook_has_beyond_stays_when_it_is_changed(server, api):
    hook = a_hook(tags={"many": ["a", "b"]})
    added = (await server.post(HOOKS, hook | {"status": "disabled"})).is_status(201).json
    (await api.post(HOOKS, {"url": hook["url"], "events": ["flows/created"]})).is_status(201)
    [kept] = [one for one in await server.read(HOOKS) if one["url"] == hook["url"]]
    assert (kept["id"], kept["tags"], kept["events"], kept["status"]) == (
        added["id"],
        hook["tags"],
        ["flows/created"],
        "created",
    )


async def test_what_the_version_does_not_know_of_a_webhook_stays(server, api, version):
    hook = a_hook(
        flow_collected_by_ids=[],
        source_collected_by_ids=[],
        accept_storage_ids=[new_id()],
        presigned=True,
        verbose_storage=True,
        include_object_timerange=True,
        tags={"many": ["a", "b"]},
    )
    added = (await server.post(HOOKS, hook)).is_status(201).json
    [seen] = [one for one in await api.read(HOOKS) if one["url"] == hook["url"]]
    if version != "8.2":
        assert seen.keys().isdisjoint({"flow_collected_by_ids", "include_object_timerange"})
    if version in OLD_WEBHOOKS:
        (await api.post(HOOKS, seen)).is_status(201)
    else:
        (await api.put(f"{HOOKS}/{added['id']}", seen)).is_status(201)
    assert await server.read(f"{HOOKS}/{added['id']}") == added


@pytest.mark.parametrize("version", ["7.0", "8.1", "8.2"])
async def test_events_of_extensions_are_hidden_and_stay(server, api, version):
    hook = a_hook(events=["flows/deleted", "objects/created"])
    added = (await server.post("/webhooks", hook)).is_status(201).json
    path = f"{HOOKS}/{added['id']}"
    try:
        [seen] = [one for one in await api.read(HOOKS) if one["url"] == hook["url"]]
        assert seen["events"] == ["flows/deleted"]
        if version in OLD_WEBHOOKS:
            (await api.post(HOOKS, seen)).is_status(201)
        else:
            answer = (await api.put(path, seen)).is_status(201)
            assert answer.json["events"] == ["flows/deleted"]
        [kept] = [one for one in await server.read("/webhooks") if one["id"] == added["id"]]
        assert kept["events"] == hook["events"]
    finally:
        await server.delete(path)  # the standard's own list knows no such events


@pytest.mark.parametrize("version", ["8.0", "8.1"])
async def test_filters_by_collectors_that_are_given_replace_the_hidden_ones(server, api):
    path = f"{HOOKS}/{(await server.post(HOOKS, a_hook(flow_collected_by_ids=[]))).json['id']}"
    collector = new_id()
    changed = await api.read(path) | {"flow_collected_by_ids": [collector]}
    (await api.put(path, changed)).is_status(201)
    assert (await server.read(path))["flow_collected_by_ids"] == [collector]
    (await api.put(path, await api.read(path) | {"flow_collected_by_ids": []})).is_status(400)


@pytest.mark.parametrize("version", OLD_WEBHOOKS)
@pytest.mark.parametrize(
    "wrong",
    [{"status": "disabled"}, {"tags": {}}, {"include_object_timerange": True}, {"flow_ids": []}],
    ids=str,
)
async def test_what_a_webhook_cannot_have_is_refused(server, api, wrong):
    hook = a_hook(**wrong)
    assert (
        (await api.post(HOOKS, hook)).is_status(400).json["summary"].startswith(next(iter(wrong)))
    )
    assert await _ids(server, hook["url"]) == []


async def test_what_came_with_7_0_is_refused_in_6_0(server, speak):
    for name, value in (("presigned", True), ("verbose_storage", True), ("accept_storage_ids", [])):
        (await speak("6.0").post(HOOKS, a_hook(**{name: value}))).is_status(400)
        (await speak("7.0").post(HOOKS, a_hook(**{name: value}))).is_status(201)


@pytest.mark.parametrize("version", ["6.0", "7.0", "8.0", "8.1"])
async def test_no_collectors_mean_nothing_that_a_client_could_want_before_8_2(api):
    for name in ("flow_collected_by_ids", "source_collected_by_ids"):
        (await api.post(HOOKS, a_hook(**{name: []}))).is_status(400)


@asynccontextmanager
async def _told(api):
    """A receiver of all that happens, registered through `api`; each body with its complaints."""
    async with noting() as receiver:
        hook = {"url": receiver.url, "events": list(EVERY)}
        if api.version != "6.0":
            hook["verbose_storage"] = True
        (await api.post(HOOKS, hook)).is_status(201)
        yield receiver
        if api.version in OLD_WEBHOOKS:
            (await api.post(HOOKS, hook | {"events": []})).is_status(204)
        else:
            [webhook] = [one for one in await api.read(HOOKS) if one["url"] == hook["url"]]
            (await api.delete(f"{HOOKS}/{webhook['id']}")).is_status(204)


async def _live(server):
    """Let everything happen of which a webhook can be told, with all that 8.2 has."""
    flow = await server.flow(
        container="video/mp4", essence_parameters=INIT, status="ingesting", tags={"a": ["b", "c"]}
    )
    vfr = await server.flow(essence_parameters=VFR)
    image = await server.flow("image")
    await server.flow("multi", flow_collection=[{"id": flow["id"]}, {"id": image["id"]}])
    path = f"/flows/{flow['id']}"
    [media, init] = [one["object_id"] for one in await server.allocate(flow["id"], 2)]
    await server.segment(flow["id"], "[0:0_1:0)", object_id=media, init_object_id=init)
    await server.wait(1)
    await server.set(f"{path}/label", "told")
    await server.set(f"/sources/{flow['source_id']}/label", "told")
    (await server.delete(f"{path}/segments")).is_status(204)
    for one in (path, f"/flows/{vfr['id']}"):
        (await server.delete(one)).is_status(204)
    await server.wait(1)


def _wrong_constant(version, body):
    return version in OLD_WEBHOOKS and "timerange" in body["event"]


def _complaints(version, body):
    """In what a body differs from the version's document."""
    kind = "flows/segments_deleted" if _wrong_constant(version, body) else body["event_type"]
    official = document(version)
    described = official.content["webhooks"][kind]["post"]["requestBody"]
    return list(official.differences(described["content"]["application/json"]["schema"], body))


@pytest.mark.skipif(document("6.0") is None, reason=MISSING)
async def test_each_body_is_as_the_versions_document_says(server, api, version):
    async with _told(api) as receiver:
        await _live(server)
        bodies = [body for _, body in receiver.accepted]
    wanted = set(EVERY) - ({"flows/segments_deleted"} if version in OLD_WEBHOOKS else set())
    assert {body["event_type"] for body in bodies} == wanted
    assert any("timerange" in body["event"] for body in bodies)
    assert [each for body in bodies for each in _complaints(version, body)] == []


async def test_a_webhook_speaks_the_version_that_it_was_last_written_in(server, speak):
    async with noting() as receiver:
        hook = {"url": receiver.url, "events": ["flows/created"]}
        (await speak("7.0").post(HOOKS, hook)).is_status(201)
        [webhook] = [one for one in await server.read(HOOKS) if one["url"] == receiver.url]
        assert "dialect" not in webhook
        path = f"{HOOKS}/{webhook['id']}"
        put = webhook | {"status": "created"}
        expected = ["a,b", ["a", "b"], ["a", "b"], "a,b"]
        for api in (None, speak("8.0"), server, speak("7.0")):
            if api is not None and api.version == "7.0":
                (await api.post(HOOKS, hook)).is_status(201)
            elif api is not None:
                (await api.put(path, put)).is_status(201)
            await server.flow(tags={"many": ["a", "b"]}, status="ingesting")
            await server.wait(1)
        told = [body["event"]["flow"] for _, body in receiver.accepted]
        assert [flow["tags"]["many"] for flow in told] == expected
        assert ["status" in flow for flow in told] == [False, False, True, False]
        (await server.delete(path)).is_status(204)


async def test_of_two_at_once_one_is_changed(server, speak):

    hook = a_hook()
    answers = await asyncio.gather(*(speak("7.0").post(HOOKS, hook) for _ in range(8)))
    assert {answer.status for answer in answers} == {201}
    assert len(await _ids(server, hook["url"])) == 1
