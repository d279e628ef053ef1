"""Statements 262-278: webhooks as resources."""

from __future__ import annotations

from typing import Any

from tams.conformance.clock import elapse
from tams.conformance.server import Json, Server, ensure, new_id, query, same
from tams.conformance.statements import Skipped, statement
from tams.conformance.subscriptions import (
    EVERY,
    WEBHOOKS,
    Subscription,
    has_webhooks,
    idle_body,
    idle_webhook,
    need_webhooks,
    subscribe,
)

FILTERS: dict[str, Json] = {
    "flow_ids": [new_id()],
    "source_ids": [new_id()],
    "flow_collected_by_ids": [new_id()],
    "source_collected_by_ids": [new_id()],
    "accept_get_urls": ["a label"],
    "accept_storage_ids": [new_id()],
    "presigned": True,
    "verbose_storage": True,
    "include_object_timerange": True,
}
FIRST_LOOK, LOOKS_APART, PATIENCE = 60, 3600, 25 * 3600
"""Seconds after which a webhook may be in error, between two looks at most, and in all."""
SECRET = "a secret of ours"  # noqa: S105 - made up for a check


def _put_body(webhook: dict[str, Any], **fields: Json) -> dict[str, Any]:
    return {**webhook, "status": "disabled", **fields}


async def _put(server: Server, webhook: dict[str, Any], expected: int, **fields: Json) -> Json:
    path = f"{WEBHOOKS}/{webhook['id']}"
    return (await server.put(path, _put_body(webhook, **fields))).is_status(expected).json


async def _refused(server: Server, **fields: Json) -> None:
    """A POST with these fields is a 400."""
    await need_webhooks(server)
    (await server.post(WEBHOOKS, idle_body(**fields))).is_status(400)


@statement(262, "I")
async def check_262_webhooks_are_announced_or_nowhere(server: Server) -> None:
    """A service that does not announce webhooks answers 404 on all of their paths."""
    if await has_webhooks(server):
        (await server.get(WEBHOOKS)).is_status(200)
        return
    one = f"{WEBHOOKS}/{new_id()}"
    for method, path in (("GET", WEBHOOKS), ("POST", WEBHOOKS), ("GET", one), ("DELETE", one)):
        body = idle_body() if method == "POST" else None
        (await server.request(method, path, body)).is_status(404)


@statement(263, "I")
async def check_263_each_post_makes_a_webhook(server: Server) -> None:
    """POST answers 201 with an id of the server's and a status, again for the same URL."""
    first = await idle_webhook(server)
    second = await idle_webhook(server, url=first["url"])
    ensure(first["id"] != second["id"], "two webhooks share an id")
    for webhook in (first, second):
        same(await server.read(f"{WEBHOOKS}/{webhook['id']}"), webhook, "the webhook, read")
        same(webhook["status"], "disabled", "status")


@statement(264, "M")
async def check_264_url_and_events_are_needed(server: Server) -> None:
    """A webhook has a URL, and events that are among the eight there are; else 400."""
    webhook = await idle_webhook(server, events=list(EVERY))
    same(sorted(webhook["events"]), sorted(EVERY), "events")
    for missing in ("url", "events"):
        body = {name: value for name, value in idle_body().items() if name != missing}
        (await server.post(WEBHOOKS, body)).is_status(400)
    await _refused(server, events=["flows/renamed"])
    await _refused(server, url=7)


@statement(265, "I")
async def check_265_a_post_may_ask_for_two_statuses(server: Server) -> None:
    """POST takes `created`, which it assumes, or `disabled`, and no other status."""
    await need_webhooks(server)
    nobody = {"flow_ids": [new_id()]}
    body = {name: value for name, value in idle_body(**nobody).items() if name != "status"}
    webhook = (await server.post(WEBHOOKS, body)).is_status(201).json
    ensure(webhook["status"] in ("created", "started"), f"status {webhook['status']!r}")
    for status in ("started", "error", "other"):
        await _refused(server, status=status)


@statement(266, "M")
async def check_266_put_answers_201(server: Server) -> None:
    """PUT needs id, url, events and a status that clients may set; it answers 201."""
    webhook = await idle_webhook(server)
    changed = await _put(server, webhook, 201, events=["flows/deleted"])
    same(changed, {**webhook, "events": ["flows/deleted"]}, "the webhook")
    path = f"{WEBHOOKS}/{webhook['id']}"
    same(await server.read(path), changed, "the webhook, read")
    for missing in ("id", "url", "events", "status"):
        body = {name: value for name, value in _put_body(webhook).items() if name != missing}
        (await server.put(path, body)).is_status(400)
    for status in ("started", "error"):
        await _put(server, webhook, 400, status=status)
    missing_one = {**webhook, "id": new_id()}
    await _put(server, missing_one, 404)


@statement(267, "I")
async def check_267_the_body_names_the_same_webhook(server: Server) -> None:
    """A PUT whose body has another id than its path is a 400."""
    webhook = await idle_webhook(server)
    path = f"{WEBHOOKS}/{webhook['id']}"
    (await server.put(path, _put_body(webhook, id=new_id()))).is_status(400)


@statement(268, "I")
async def check_268_the_secret_is_never_shown(server: Server) -> None:
    """No answer holds the value of the key: not to POST, PUT, GET, nor in the list."""
    key = {"api_key_name": "X-Our-Key", "api_key_value": SECRET}
    webhook = await idle_webhook(server, **key)
    path = f"{WEBHOOKS}/{webhook['id']}"
    put = await server.put(path, _put_body(webhook, api_key_value=SECRET))
    shown = [put.is_status(201), await server.get(path), await server.get(WEBHOOKS)]
    same(webhook.get("api_key_name"), "X-Our-Key", "api_key_name")
    ensure("api_key_value" not in webhook, "api_key_value is shown by POST")
    for answer in shown:
        ensure(SECRET.encode() not in answer.body, f"{answer.request} shows the secret")


async def _key_of_next(subscription: Subscription, number: int) -> str | None:
    await subscription.server.flow()
    arrived = await subscription.deliveries(number)
    return arrived[number - 1].headers.get("X-Our-Key")


@statement(269, "D")
async def check_269_a_put_without_secret_keeps_it(server: Server) -> None:
    """A PUT that gives no value of the key keeps the one it has, while the name is the same."""
    hook = await subscribe(
        server, "sources/created", api_key_name="X-Our-Key", api_key_value=SECRET
    )
    await hook.put()
    same(await _key_of_next(hook, 1), SECRET, "the key after a PUT without it")
    await hook.put(api_key_value="another")
    seen = len(hook.inbox.deliveries)
    same(await _key_of_next(hook, seen + 1), "another", "the key after a PUT with another")


@statement(270, "S")
async def check_270_what_is_sent_carries_the_key(server: Server) -> None:
    """Each delivery has the header that the webhook names, with its value."""
    hook = await subscribe(
        server, "sources/created", api_key_name="X-Our-Key", api_key_value=SECRET
    )
    same(await _key_of_next(hook, 1), SECRET, "the header X-Our-Key")


@statement(271, "I")
async def check_271_a_status_has_its_ways(server: Server) -> None:
    """The server starts a webhook that is created; clients disable it, and create it again."""
    hook = await subscribe(server, "sources/created")
    source = (await server.flow())["source_id"]
    await hook.until(lambda: _has(hook, source), "a new Source is told")
    same(await hook.status(), "started", "status of a webhook that has sent")
    await hook.put(status="disabled")
    same(await hook.status(), "disabled", "status after a PUT of disabled")
    unheard = (await server.flow())["source_id"]
    await hook.put(status="created")
    ensure(await hook.status() in ("created", "started"), "it cannot be created again")
    heard = (await server.flow())["source_id"]
    await hook.until(lambda: _has(hook, heard), "a new Source is told again")
    ensure(not _has(hook, unheard), "a webhook that is disabled is sent events")


def _has(hook: Subscription, source_id: str) -> bool:
    return any(event["source"]["id"] == source_id for event in hook.of("sources/created"))


async def _failed_webhook(server: Server) -> Subscription:
    """A webhook that the server has given up, since its receiver answers 500."""
    hook = await subscribe(server, "sources/created")
    hook.inbox.status = 500
    await server.flow()
    if server.wait is None:
        raise Skipped(f"up to {PATIENCE} seconds must pass for it (--slow)")
    waited, pause = 0, FIRST_LOOK
    while waited < PATIENCE:
        await elapse(server, pause)
        if await hook.status() == "error":
            return hook
        waited, pause = waited + pause, min(2 * pause, LOOKS_APART)
    raise Skipped(f"this server does not give a webhook up within {PATIENCE // 3600} hours")


@statement(272, "S")
async def check_272_a_webhook_in_error_cannot_be_disabled(server: Server) -> None:
    """A PUT of `disabled` to a webhook in error is refused; one of `created` starts it again."""
    hook = await _failed_webhook(server)
    body = {**hook.webhook, "status": "disabled"}
    (await server.put(hook.path, body)).is_status(400)
    same(await hook.status(), "error", "status after the refusal")
    hook.inbox.status, before = 200, len(hook.inbox.deliveries)
    await hook.put(status="created")
    await hook.deliveries(before + 1)
    ensure("error" not in await server.read(hook.path), "an error is shown of a webhook at work")


@statement(273, "S")
async def check_273_error_is_the_last_resort(server: Server) -> None:
    """A receiver that fails is tried again; only then is the webhook in error, and says why."""
    hook = await _failed_webhook(server)
    ensure(len(hook.inbox.deliveries) > 2, "an event was not tried again before the error")
    error = (await server.read(hook.path)).get("error", {})
    for name in ("type", "summary", "time"):
        ensure(isinstance(error.get(name), str), f"error.{name} is no string in {error!r}")


@statement(274, "M")
async def check_274_filters_are_applied_or_refused(server: Server) -> None:
    """A filter or option is kept as it was given, or refused with 400; never dropped."""
    await need_webhooks(server)
    for name, value in FILTERS.items():
        answer = await server.post(WEBHOOKS, idle_body(**{name: value}))
        if answer.is_status(201, 400).status == 201:
            same(answer.json.get(name), value, name)
            webhook = answer.json
            same((await _put(server, webhook, 201)).get(name), value, f"{name} after PUT")


@statement(275, "S", alone=True)
async def check_275_requests_do_not_go_astray(server: Server) -> None:
    """URLs that lead into the server's own network are refused, and redirects not followed."""
    for url in ("http://169.254.169.254/latest", "http://[fe80::1]/", "file:///etc/passwd"):
        await _refused(server, url=url)
    hook = await subscribe(server, "sources/created")
    other = await subscribe(server, "sources/deleted")
    hook.inbox.status = 307
    hook.inbox.headers["Location"] = other.inbox.url
    await server.flow()
    await hook.deliveries(2)
    same(len(other.inbox.deliveries), 0, "requests at the address of a redirect")


@statement(276, "I")
async def check_276_a_webhook_can_be_removed(server: Server) -> None:
    """DELETE answers 204, and 404 if there is no such webhook."""
    webhook = await idle_webhook(server)
    path = f"{WEBHOOKS}/{webhook['id']}"
    (await server.delete(path)).is_status(204)
    (await server.get(path)).is_status(404)
    (await server.delete(path)).is_status(404)


@statement(277, "I")
async def check_277_webhooks_are_listed_by_url(server: Server) -> None:
    """The list is ordered by URL, filtered by tags, and paged."""
    mark = new_id()
    made = [
        await idle_webhook(server, tags={"check": mark, "odd": [str(number % 2), "x"]})
        for number in range(4)
    ]
    made.sort(key=lambda webhook: str(webhook["url"]))
    ids = [webhook["id"] for webhook in made]
    ours = {"tag.check": mark}
    same(await server.ids(WEBHOOKS, ours), ids, "ids by url")
    same(await server.ids(WEBHOOKS, ours, reverse_order="true"), ids[::-1], "reversed")
    odd = [webhook["id"] for webhook in made if webhook["tags"]["odd"] == ["1", "x"]]
    same(await server.ids(WEBHOOKS, {**ours, "tag.odd": "1,2"}), odd, "those that are odd")
    same(await server.ids(WEBHOOKS, {**ours, "tag_exists.odd": "false"}), [], "none without")
    same(await server.ids(WEBHOOKS, {**ours, "tag_exists.odd": "true"}), ids, "all with")
    page = await server.get(WEBHOOKS + query(ours, limit="3"))
    key = page.is_status(200).headers.get("X-Paging-NextKey", "")
    rest = await server.ids(WEBHOOKS, ours, limit="3", page=key)
    same([item["id"] for item in page.json] + rest, ids, "two pages")


@statement(278, "D")
async def check_278_a_webhook_wants_something(server: Server) -> None:
    """No events at all is a 400, at POST and at PUT, and deletes nothing."""
    webhook = await idle_webhook(server)
    await _refused(server, events=[])
    await _put(server, webhook, 400, events=[])
    same(await server.read(f"{WEBHOOKS}/{webhook['id']}"), webhook, "the webhook")
