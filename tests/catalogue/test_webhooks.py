"""Webhooks in the catalogue: whose they are, and where in the log each stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tams.domain.error_reports import ErrorReport
from tams.domain.events import Event
from tams.domain.pages import PageRequest
from tams.domain.tags import TagFilter
from tams.domain.webhooks import Progress, Webhook
from tams.errors import Invalid
from tests.catalogue.building import NOON, add_flows, at, make_flow, new_id

LEASE = timedelta(seconds=30)


def make_webhook(**known):
    values = {
        "id": new_id(),
        "url": "https://hook.example.com",
        "events": ("flows/updated",),
        "status": "created",
        "created": NOON,
    }
    return Webhook(**values | known)


async def add(catalogue, *webhooks):
    async def work(tx):
        for webhook in webhooks:
            await tx.webhooks.add(webhook)

    await catalogue.write(work)


async def get(catalogue, webhook):
    return await catalogue.read(lambda tx: tx.webhooks.get(webhook.id))


async def put(catalogue, webhook, *, from_now=False):
    async def work(tx):
        await tx.webhooks.lock(webhook.id)
        await tx.webhooks.replace(webhook, from_now=from_now)

    await catalogue.write(work)


async def claim(catalogue, now=NOON):
    return await catalogue.write(lambda tx: tx.webhooks.claim(now, now + LEASE))


async def settle(catalogue, claimed, error=None, **progress):
    values = {"position": 0, "due": NOON} | progress
    return await catalogue.write(lambda tx: tx.webhooks.settle(claimed, Progress(**values), error))


async def happen(catalogue, flow, number):
    """Publish so many events."""

    async def work(tx):
        await tx.flows.lock(flow.id)
        event = Event(type="flows/updated", entity_id=flow.id, source_id=flow.source_id)
        await tx.events.append(*[event] * number)

    await catalogue.write(work)
    await catalogue.write(lambda tx: tx.events.publish())


@pytest.fixture
async def flow(catalogue):
    made = make_flow()
    await add_flows(catalogue, made)
    return made


async def test_those_of_a_url_are_found_the_oldest_first(catalogue):
    alike = [make_webhook(url="https://a.example.com", tags={"n": str(n)}) for n in range(3)]
    await add(catalogue, make_webhook(), *alike)
    found = await catalogue.write(lambda tx: tx.webhooks.lock_all_at("https://a.example.com"))
    assert found == alike
    assert await catalogue.write(lambda tx: tx.webhooks.lock_all_at("https://b.example.com")) == []


async def test_a_webhook_keeps_all_that_is_known_of_it(catalogue):
    webhook = make_webhook(
        events=("flows/created", "sources/deleted"),
        api_key_name="X-Key",
        api_key_value="hidden",
        flow_ids=("a",),
        source_ids=("b", "c"),
        flow_collected_by_ids=(),
        source_collected_by_ids=("d",),
        accept_get_urls=(),
        accept_storage_ids=("e",),
        presigned=False,
        verbose_storage=True,
        include_object_timerange=False,
        tags={"a": "b", "c": ("d", "e")},
        created_by="somebody",
        status="disabled",
        dialect="v7.0",
    )
    await add(catalogue, webhook)
    assert await get(catalogue, webhook) == webhook
    assert "hidden" not in repr(webhook)
    error = ErrorReport(type="DeliveryFailed", summary="it was away", time=at(5))
    changed = make_webhook(id=webhook.id, status="error", error=error, tags={"x": "y"})
    await put(catalogue, changed)
    assert await get(catalogue, webhook) == changed


async def test_a_webhook_is_removed_once(catalogue):
    webhook = make_webhook(tags={"a": "b"})
    await add(catalogue, webhook)
    assert await catalogue.write(lambda tx: tx.webhooks.remove(webhook.id))
    assert not await catalogue.write(lambda tx: tx.webhooks.remove(webhook.id))
    assert await get(catalogue, webhook) is None


async def test_webhooks_are_listed_by_url_then_id(catalogue):
    urls = ["https://b", "https://a", "https://a", "https://" + "c" * 200, "https://" + "c" * 201]
    made = [make_webhook(url=url, tags={"tag": url}) for url in urls]
    await add(catalogue, *made)
    wanted = [one.id for one in sorted(made, key=lambda one: (one.url, one.id))]

    async def page(key=None, *, reverse=False, tags=None):
        request = PageRequest(2, key, reverse)
        return await catalogue.read(lambda tx: tx.webhooks.list(tags or TagFilter(), request))

    for reverse in (False, True):
        found, key = [], None
        while found == [] or key is not None:
            one = await page(key, reverse=reverse)
            found += [item.id for item in one.items]
            key = one.next_key
        assert found == (wanted[::-1] if reverse else wanted)
    tagged = await page(tags=TagFilter({"tag": ("https://b",)}))
    assert [item.id for item in tagged.items] == [made[0].id]
    for tags, number in ((TagFilter(), 5), (TagFilter({"tag": ("https://a",)}), 2)):
        assert await catalogue.read(lambda tx, it=tags: tx.webhooks.count(it)) == number
    with pytest.raises(Invalid, match="page"):
        await page((await page()).next_key, reverse=True)


async def test_a_new_webhook_begins_at_the_end_of_the_log(catalogue, flow):
    await happen(catalogue, flow, 3)
    webhook = make_webhook()
    await add(catalogue, webhook)
    claimed = await claim(catalogue)
    assert claimed.progress.position == 3
    assert claimed.webhook == replace(webhook, status="started")
    assert await settle(catalogue, claimed, position=3)
    assert await claim(catalogue) is None
    await happen(catalogue, flow, 1)
    assert (await claim(catalogue)).webhook.id == webhook.id


async def test_one_worker_holds_a_webhook_until_its_lease_ends(catalogue, flow):
    await add(catalogue, make_webhook())
    first = await claim(catalogue)
    await happen(catalogue, flow, 1)
    assert await claim(catalogue) is None
    second = await claim(catalogue, NOON + LEASE)
    assert second.key == first.key
    assert not await settle(catalogue, first, position=1)
    assert await settle(catalogue, second, position=1)


async def test_who_waits_longest_comes_first_and_who_failed_waits(catalogue, flow):
    hooks = [make_webhook(created=at(-number)) for number in range(3)]
    await add(catalogue, *hooks)
    claimed = [await claim(catalogue) for _ in hooks]
    assert [one.webhook.id for one in claimed] == [hook.id for hook in reversed(hooks)]
    await happen(catalogue, flow, 1)
    since = at(-7)
    await settle(catalogue, claimed[0], due=at(9), failures=2, failing_since=since)
    await settle(catalogue, claimed[1], due=at(5))
    assert await claim(catalogue, at(4)) is None
    assert (await claim(catalogue, at(10))).webhook.id == claimed[1].webhook.id
    again = await claim(catalogue, at(10))
    assert (again.progress.failures, again.progress.failing_since) == (2, since)


@pytest.mark.parametrize("end", ["removed", "changed", "given up"])
async def test_a_claim_ends_with_what_it_was_for(catalogue, flow, end):
    webhook = make_webhook()
    await add(catalogue, webhook)
    claimed = await claim(catalogue)
    if end == "removed":
        await catalogue.write(lambda tx: tx.webhooks.remove(webhook.id))
    elif end == "changed":
        await put(catalogue, replace(webhook, status="disabled"))
    else:
        error = ErrorReport(type="DeliveryFailed", summary="it is away", time=NOON)
        assert await settle(catalogue, claimed, error)
        assert (await get(catalogue, webhook)).error == error
    assert not await settle(catalogue, claimed, position=9)
    await happen(catalogue, flow, 1)
    assert await claim(catalogue, at(100)) is None


async def test_where_a_changed_webhook_goes_on(catalogue, flow):
    webhook = make_webhook()
    await add(catalogue, webhook)
    await happen(catalogue, flow, 5)
    await put(catalogue, webhook)
    assert (await claim(catalogue)).progress.position == 0
    await put(catalogue, webhook, from_now=True)
    assert (await claim(catalogue)).progress.position == 5
    await happen(catalogue, flow, 2)
    await catalogue.write(lambda tx: tx.events.expire(at(10**10), limit=6))
    await put(catalogue, webhook)
    assert (await claim(catalogue)).progress.position == 6
    await catalogue.write(lambda tx: tx.events.expire(at(10**10)))
    await put(catalogue, webhook)
    assert (await claim(catalogue)).progress.position == 7
