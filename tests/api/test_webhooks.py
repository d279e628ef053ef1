"""Webhooks as resources: what is refused says why and changes nothing."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tams.app.running import running
from tams.conformance.subscriptions import WEBHOOKS, idle_body
from tams.errors import BadSettings
from tams.settings import read_settings
from tests.receivers import noting

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def webhook(server):
    """A webhook that is disabled, and removed at the end."""
    made = (await server.post(WEBHOOKS, idle_body(tags={"a": "b"}))).is_status(201).json
    yield made
    await server.delete(f"{WEBHOOKS}/{made['id']}")


UPPER = "8A3F9C1E-6A52-4B4C-9F0E-111111111111"
BAD = [
    ({"url": "ftp://example.com"}, "url: it must be a URL that begins with http:// or https://"),
    ({"url": "http://10.0.0.1/"}, "url: it must have a public address"),
    ({"url": "http://[::ffff:169.254.169.254]/"}, "url: it must have a public address"),
    ({"url": "http://localhost/"}, "url: it must not lead to this machine"),
    ({"url": "http://me:pass@example.com"}, "url: it must not hold a user or password"),
    ({"url": None}, "url: it must be a valid string"),
    ({"events": []}, "events: it must hold at least one"),
    ({"events": ["flows/renamed"]}, "events.0: it must be 'flows/created', "),
    ({"events": "flows/created"}, "events: "),
    ({"flow_ids": []}, "flow_ids: it must hold at least one"),
    ({"source_ids": []}, "source_ids: it must hold at least one"),
    ({"flow_ids": ["x"]}, "flow_ids.0: each must be a lower-case UUID"),
    ({"flow_ids": [UPPER]}, "flow_ids.0: each must be a lower-case UUID"),
    ({"accept_storage_ids": ["x"]}, "accept_storage_ids.0: each must be a lower-case UUID"),
    ({"presigned": "true"}, "presigned: it must be a valid boolean"),
    ({"tags": {"a": 1}}, "tags.a"),
    ({"status": "started"}, "status: it must be 'created' or 'disabled'"),
    ({"api_key_name": "a b"}, "api_key_name: it must be the name of a header"),
    ({"api_key_name": "Content-Length"}, "api_key_name: it must be the name of a header"),
    ({"api_key_value": "x"}, "api_key_name: it must be given with an api_key_value"),
    (
        {"api_key_name": "X-Key", "api_key_value": "a\r\nX: y"},
        "api_key_value: it must not hold control characters",
    ),
    ({"profile_ids": []}, "body: it must hold no filter or option but those of the standard"),
]


@pytest.mark.parametrize(("wrong", "reason"), BAD, ids=[str(wrong) for wrong, _ in BAD])
async def test_what_is_wrong_is_named_and_changes_nothing(server, webhook, wrong, reason):
    before = await server.read(WEBHOOKS)
    post = await server.post(WEBHOOKS, idle_body(**wrong))
    assert post.is_status(400).json["summary"].startswith(reason)
    path = f"{WEBHOOKS}/{webhook['id']}"
    put = await server.put(path, webhook | wrong)
    assert put.is_status(400).json["summary"].startswith(reason)
    assert await server.read(WEBHOOKS) == before


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'"x"', b'{"url": NaN}'])
async def test_a_body_that_is_no_webhook(server, webhook, body):
    (await server.post(WEBHOOKS, content=body)).is_status(400)
    (await server.put(f"{WEBHOOKS}/{webhook['id']}", content=body)).is_status(400)


async def test_a_refused_secret_is_not_shown(server):
    body = idle_body(api_key_name="X-Key", api_key_value="hidden\n")
    answer = (await server.post(WEBHOOKS, body)).is_status(400)
    assert b"hidden" not in answer.body


async def test_a_webhook_can_be_put_as_it_was_read_but_for_its_status(server, webhook):
    path = f"{WEBHOOKS}/{webhook['id']}"
    assert (await server.put(path, webhook)).is_status(201).json == webhook
    (await server.put(path, webhook | {"status": "started"})).is_status(400)


async def test_lists_that_want_what_nothing_collects_are_kept(server):
    wanted = {"flow_collected_by_ids": [], "source_collected_by_ids": [], "accept_get_urls": []}
    made = (await server.post(WEBHOOKS, idle_body(**wanted))).is_status(201).json
    assert {name: made[name] for name in wanted} == wanted
    path = f"{WEBHOOKS}/{made['id']}"
    assert await server.read(path) == made
    plain = {name: value for name, value in made.items() if name not in wanted}
    assert (await server.put(path, plain)).is_status(201).json == plain
    await server.delete(path)


@pytest.mark.parametrize("key", ["x", "%00", "WyJmbG93Il0"])
async def test_a_page_key_of_something_else(server, key):
    (await server.get(f"{WEBHOOKS}?page={key}")).is_status(400)


async def test_a_secret_goes_with_the_name_of_its_header(server):
    """A new name without a value has none: the old one was meant for another header."""
    async with noting() as receiver:
        sent = []

        async def answer(request):
            sent.append((request.headers.get("X-Old"), request.headers.get("X-New")))
            return 200

        receiver.answer = answer
        body = {"url": receiver.url, "events": ["sources/created"], "status": "created"}
        key = {"api_key_name": "X-Old", "api_key_value": "old"}
        made = (await server.post(WEBHOOKS, body | key)).is_status(201).json
        path = f"{WEBHOOKS}/{made['id']}"
        for name in ("X-Old", "X-New"):
            put = body | {"id": made["id"], "api_key_name": name}
            (await server.put(path, put)).is_status(201)
            await server.flow()
            await server.wait(1)
        await server.delete(path)
    assert sent == [("old", None), (None, None)]


async def test_a_setting_that_is_no_target_stops_the_start(tmp_path):
    settings = read_settings({}, data_dir=tmp_path, webhook_allow="10.0.0.0/40")
    with pytest.raises(BadSettings, match=r"TAMS_WEBHOOK_ALLOW: 10\.0\.0\.0/40 is no host"):
        async with running(settings):
            pass
