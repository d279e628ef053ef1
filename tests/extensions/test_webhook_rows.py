"""What the vendor's documents say of webhooks, of those of the standard."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tams.conformance.server import new_id
from tams.domain.access import Principal
from tams.domain.targets import Targets
from tams.domain.webhooks import WebhookMetadata, WebhookRequest
from tams.services.webhooks import Webhooks
from tests.receivers import noting
from tests.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

WEBHOOKS = "/service/webhooks"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


async def registered(server, receiver, *events, **fields):
    body = {"url": receiver.url, "events": list(events or ["flows/updated"]), **fields}
    return (await server.post(WEBHOOKS, body)).is_status(201).json


async def removed(server, *hooks):
    for hook in hooks:
        await server.delete(f"{WEBHOOKS}/{hook['id']}")


async def label(server, flow, text):
    await server.set(f"/flows/{flow['id']}/label", text)


async def test_c004_c005_an_event_is_a_post_with_the_key_in_its_header(server):
    seen = []

    async def answer(request):
        seen.append((request.method, request.headers.get("X-Our-Key"), request.content_type))
        return 200

    async with noting(answer) as receiver:
        key = {"api_key_name": "X-Our-Key", "api_key_value": "let-me-in"}
        hook = await registered(server, receiver, **key)
        plain = await registered(server, receiver)
        flow = await server.flow()
        await label(server, flow, "told")
        await server.wait(1)
        assert sorted(seen, key=str) == [
            ("POST", "let-me-in", "application/json"), ("POST", None, "application/json"),
        ]  # fmt: skip
        assert [body["event"]["flow"]["label"] for _, body in receiver.accepted] == ["told"] * 2
        await removed(server, hook, plain)


async def test_c006_several_filters_must_all_pass(server):
    async with noting() as receiver:
        flow = await server.flow()
        beside = await server.flow(source_id=flow["source_id"])
        multi = await server.flow("multi", flow_collection=[{"id": flow["id"]}])
        hooks = [
            await registered(server, receiver, tags={"is": name}, **filters)
            for name, filters in {
                "both": {"flow_ids": [flow["id"]], "source_ids": [flow["source_id"]]},
                "other source": {"flow_ids": [flow["id"]], "source_ids": [new_id()]},
                "collected": {
                    "flow_collected_by_ids": [multi["id"]],
                    "source_collected_by_ids": [multi["source_id"]],
                },
                "other collector": {
                    "flow_ids": [flow["id"]], "flow_collected_by_ids": [new_id()],
                },
                "type": {"events": ["flows/deleted"], "flow_ids": [flow["id"]]},
            }.items()
        ]  # fmt: skip
        await label(server, flow, "wanted")
        await label(server, beside, "beside")
        await server.wait(1)
        # Two of the five let one event pass, which has one id.
        assert receiver.labels == {flow["id"]: ["wanted"]}
        assert len(receiver.accepted) == 2
        await removed(server, *hooks)


async def test_c009_a_new_webhook_is_told_of_the_very_next_event(server):
    async with noting() as receiver:
        flow = await server.flow()
        await label(server, flow, "before")
        hook = await registered(server, receiver)
        await label(server, flow, "after")
        await server.wait(1)
        assert receiver.labels == {flow["id"]: ["after"]}
        await removed(server, hook)


async def test_c010_a_delivery_that_fails_fails_no_request_and_is_logged(server, capfd):
    async def answer(_):
        return 500

    async with noting(answer) as receiver:
        hook = await registered(server, receiver, "flows/created", "flows/updated")
        flow = await server.flow()
        await label(server, flow, "kept")
        await server.wait(1)
        assert receiver.asked
        assert await server.read(f"/flows/{flow['id']}/label") == "kept"
        said = "".join(capfd.readouterr())
        assert "an event could not be sent" in said
        assert hook["id"] in said
        assert "the receiver answered 500" in said
        await removed(server, hook)


async def test_c015_who_registers_a_webhook_is_stored_with_it(server):
    catalogue = server.app.state.extension_services.event_log._catalogue
    webhooks = Webhooks(catalogue, lambda: NOW, Targets.parse(""))
    request = WebhookRequest(
        metadata=WebhookMetadata(url="http://example.com/", events=("flows/created",)),
        status="disabled",
    )
    made = await webhooks.add(Principal("ada"), request)
    kept = await catalogue.read(lambda tx: tx.webhooks.get(made.id))
    assert (kept.created_by, kept.created) == ("ada", NOW)
    # As the standard has it, neither is shown, nor taken from whoever asks.
    shown = await server.read(f"{WEBHOOKS}/{made.id}")
    assert {"created_by", "owner_id"}.isdisjoint(shown)
    (await server.put(f"{WEBHOOKS}/{made.id}", shown | {"owner_id": "bob"})).is_status(400)
    await removed(server, shown)


async def test_a186_a_webhook_is_in_the_next_list_and_survives_a_restart(tmp_path, sqlite_url):
    async with noting() as receiver:
        async with serving(tmp_path, sqlite_url) as server:
            hook = await registered(server, receiver, tags={"a": "b"})
            assert await server.read(WEBHOOKS) == [hook]
        async with serving(tmp_path, sqlite_url) as server:
            [kept] = await server.read(WEBHOOKS)
            assert kept == hook | {"status": kept["status"]}
            flow = await server.flow()
            await label(server, flow, "told")
            await server.wait(1)
            assert receiver.labels == {flow["id"]: ["told"]}
