"""Receivers that are down, fail at random or hang: nothing is lost, each Flow stays in order."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from tests.receivers import accept, noting
from tests.serving import serving

TIMEOUT_S = 0.3
WEBHOOKS = "/service/webhooks"


@pytest.fixture
async def server(catalogue_url, tmp_path):
    async with serving(tmp_path, catalogue_url, webhook_timeout=str(TIMEOUT_S)) as served:
        yield served


async def register(server, receiver, *events, **options):
    body = {"url": receiver.url, "events": list(events or ["flows/updated"]), **options}
    return (await server.post(WEBHOOKS, body)).is_status(201).json


async def make_flows(server, number):
    return [(await server.flow())["id"] for _ in range(number)]


async def relabel(server, flow_ids, labels):
    for label in labels:
        for flow_id in flow_ids:
            await server.set(f"/flows/{flow_id}/label", label)


def numbers(*limits):
    return [str(number) for number in range(*limits)]


async def until_told(server, receiver, expected, seconds=60, most=60):
    for _ in range(most):
        if receiver.labels == expected:
            return
        await server.wait(seconds)
    assert receiver.labels == expected


async def test_a_receiver_that_is_down_for_ten_minutes(server):
    down = True

    async def answer(_):
        return 503 if down else 200

    async with noting(answer) as receiver:
        webhook = await register(server, receiver)
        flows = await make_flows(server, 3)
        for minute in range(10):
            await relabel(server, flows, [str(minute)])
            await server.wait(60)
        assert receiver.asked > 3
        assert not receiver.accepted
        assert (await server.read(f"{WEBHOOKS}/{webhook['id']}"))["status"] == "started"
        down = False
        await until_told(server, receiver, dict.fromkeys(flows, numbers(10)), most=11)
        assert (await server.read(f"{WEBHOOKS}/{webhook['id']}"))["status"] == "started"


async def test_a_receiver_that_is_not_there_for_a_while(server):
    """Nothing listens at its port until it comes back."""
    async with noting() as receiver:
        await register(server, receiver)
        gone = receiver.url
    [flow] = await make_flows(server, 1)
    await relabel(server, [flow], ["a", "b"])
    await server.wait(1)
    async with noting() as receiver:
        path = f"{WEBHOOKS}/{(await server.read(WEBHOOKS))[0]['id']}"
        known = await server.read(path)
        assert known["url"] == gone
        moved = known | {"url": receiver.url, "status": "created"}
        (await server.put(path, moved)).is_status(201)
        await until_told(server, receiver, {flow: ["a", "b"]})


async def test_a_receiver_that_fails_at_random(server):
    chance = Random(3)

    async def answer(_):
        return 500 if chance.random() < 0.4 else 201

    async with noting(answer) as receiver:
        await register(server, receiver)
        flows = await make_flows(server, 5)
        await relabel(server, flows, numbers(8))
        await until_told(server, receiver, dict.fromkeys(flows, numbers(8)))
    assert receiver.asked > len(receiver.accepted)


async def test_a_receiver_that_hangs_at_times(server):
    hold = asyncio.Event()
    asked = 0

    async def answer(_):
        nonlocal asked
        asked += 1
        if asked in (2, 7):
            await hold.wait()
        return 200

    async with noting(answer) as receiver:
        await register(server, receiver)
        flows = await make_flows(server, 3)
        await relabel(server, flows, numbers(4))
        await until_told(server, receiver, dict.fromkeys(flows, numbers(4)))
        hold.set()
    assert asked > 12


async def test_a_receiver_that_hangs_keeps_no_other_waiting(tmp_path, sqlite_url):
    """The one answers only once the other has been told everything."""
    told = asyncio.Event()

    async def hang(_):
        await told.wait()
        return 200

    async with (
        serving(tmp_path, sqlite_url, webhook_timeout="60") as server,
        noting(hang) as slow,
        noting() as quick,
    ):

        async def note(_):
            if len(quick.accepted) == 8:
                told.set()
            return 200

        quick.answer = note
        await register(server, slow)
        await register(server, quick)
        [flow] = await make_flows(server, 1)
        await relabel(server, [flow], numbers(9))
        await asyncio.wait_for(server.wait(1), 30)
        assert quick.labels == slow.labels == {flow: numbers(9)}


async def test_other_sources_pass_a_slow_one_but_none_passes_itself(server):
    """Up to eight are sent at the same time, never two of one Source."""
    under_way, most = set(), 0

    async def answer(request):
        nonlocal most
        source = (await request.json())["event"]["flow"]["source_id"]
        assert source not in under_way
        under_way.add(source)
        most = max(most, len(under_way))
        await asyncio.sleep(0)
        under_way.remove(source)
        return 200

    async with noting(answer) as receiver:
        await register(server, receiver)
        flows = await make_flows(server, 12)
        await relabel(server, flows, numbers(5))
        await until_told(server, receiver, dict.fromkeys(flows, numbers(5)))
    assert 1 < most <= 8


async def test_events_that_are_not_wanted_are_passed_over(server):
    async with noting() as receiver:
        wanted, other = await make_flows(server, 2)
        await register(server, receiver, flow_ids=[wanted])
        await relabel(server, [other, wanted], numbers(150))
        await until_told(server, receiver, {wanted: numbers(150)})


async def test_each_event_has_an_id_that_stays_when_it_is_sent_again(server):
    ids = []

    async def answer(request):
        ids.append(request.headers["X-TAMS-Event-Id"])
        return 500 if len(ids) < 3 else 200

    async with noting(answer) as receiver:
        await register(server, receiver)
        [flow] = await make_flows(server, 1)
        await relabel(server, [flow], ["a", "b"])
        await until_told(server, receiver, {flow: ["a", "b"]})
    assert len(set(ids)) == 2
    assert ids == [ids[0]] * 3 + [ids[-1]]


async def test_a_webhook_fails_for_a_day_before_it_is_in_error(server):
    async def refuse(_):
        return 500

    async with noting(refuse) as receiver:
        path = f"{WEBHOOKS}/{(await register(server, receiver))['id']}"
        [flow] = await make_flows(server, 1)
        await relabel(server, [flow], numbers(3))
        for _ in range(24):
            await server.wait(3590)
        assert (await server.read(path))["status"] == "started"
        assert receiver.asked < 300
        await server.wait(4000)
        failed = await server.read(path)
        assert failed["status"] == "error"
        assert failed["error"]["type"] == "DeliveryFailed"
        assert "the receiver answered 500" in failed["error"]["summary"]
        seen = receiver.asked
        await server.wait(86400)
        assert receiver.asked == seen
        receiver.answer = accept
        (await server.put(path, failed | {"status": "created"})).is_status(201)
        await until_told(server, receiver, {flow: numbers(3)})
        assert "error" not in await server.read(path)


async def test_events_that_expired_unsent_are_not_passed_over_in_silence(server):
    async def refuse(_):
        return 500

    async with noting(refuse) as receiver:
        path = f"{WEBHOOKS}/{(await register(server, receiver))['id']}"
        [flow] = await make_flows(server, 1)
        await relabel(server, [flow], ["lost"])
        await server.wait(1)
        receiver.answer = accept
        await server.wait(8 * 86400)
        await server.wait(1)
        failed = await server.read(path)
        assert (failed["status"], failed["error"]["type"]) == ("error", "EventsExpired")
        (await server.put(path, failed | {"status": "created"})).is_status(201)
        await relabel(server, [flow], ["kept"])
        await until_told(server, receiver, {flow: ["kept"]})


async def test_a_webhook_that_is_removed_while_it_is_sent_events_is_sent_no_more(server):
    async with noting() as receiver:
        path = f"{WEBHOOKS}/{(await register(server, receiver))['id']}"

        async def remove(_):
            await server.delete(path)
            return 200

        receiver.answer = remove
        [flow] = await make_flows(server, 1)
        await relabel(server, [flow], numbers(250))
        await server.wait(1)
        (await server.get(path)).is_status(404)
        # What had been read already may still have come.
        assert receiver.labels[flow] == numbers(len(receiver.labels[flow]))
        assert len(receiver.accepted) <= 100


async def test_a_name_that_leads_inside_is_a_failure_that_says_so(server):
    """`0x7f000001` looks like a name, and the resolver makes 127.0.0.1 of it."""
    async with (
        noting() as receiver,
        serving(server.folder, server.catalogue, webhook_allow="") as guarded,
    ):
        port = receiver.url.rsplit(":", 1)[1]
        receiver.url = f"http://0x7f000001:{port}"
        path = f"{WEBHOOKS}/{(await register(guarded, receiver))['id']}"
        [flow] = await make_flows(guarded, 1)
        await relabel(guarded, [flow], ["a"])
        for _ in range(26):
            await guarded.wait(3600)
        failed = await guarded.read(path)
        assert failed["status"] == "error"
        assert "127.0.0.1 is not public" in failed["error"]["summary"]
    assert not receiver.asked


async def test_the_secret_is_neither_shown_nor_logged(server, capfd):
    async def refuse(_):
        return 500

    async with noting(refuse) as receiver:
        await register(server, receiver, api_key_name="X-Key", api_key_value="hidden-value")
        [flow] = await make_flows(server, 1)
        await relabel(server, [flow], ["a"])
        for _ in range(26):
            await server.wait(3600)
        assert b"hidden-value" not in (await server.get(WEBHOOKS)).body
    said = capfd.readouterr()
    assert "hidden-value" not in said.out + said.err
