"""A server that is killed while it sends events: its successor sends all, each Flow's in order."""

from __future__ import annotations

import asyncio
from random import Random

import aiohttp
import pytest

from tams.conformance.server import flow_body
from tests.durability.process import ServerProcess
from tests.proof import count
from tests.receivers import noting

KILLS = count(2, proof=10)
FLOWS = 4
SETTINGS = {
    "webhook_allow": "127.0.0.1",
    "webhook_timeout": "0.5",
    "webhook_retry_first": "0.1",
    "webhook_retry_longest": "0.4",
    "worker_interval": "0.05",
}


class Editor:
    """Gives Flows one label after the other, and knows which were acknowledged."""

    def __init__(self, session, flow_ids):
        self._session = session
        self.acknowledged = {flow_id: [] for flow_id in flow_ids}
        self._next = 0

    async def edit(self, base, enough):
        """Go on until the server is gone, or `enough` says so."""
        while not enough():
            for flow_id, labels in self.acknowledged.items():
                label = f"{self._next:06}"
                self._next += 1
                async with self._session.put(f"{base}/flows/{flow_id}/label", json=label) as answer:
                    assert answer.status == 204
                labels.append(label)


async def start(tmp_path, catalogue_url):
    return await asyncio.to_thread(ServerProcess, tmp_path, catalogue_url, **SETTINGS)


async def test_killed_while_it_sends(tmp_path, catalogue_url):
    chance = Random(1)
    never = asyncio.Event()

    async def answer(_):
        drawn = chance.random()
        if drawn < 0.005:
            await never.wait()
        return 500 if drawn < 0.05 else 200

    async with noting(answer) as receiver, aiohttp.ClientSession() as session:
        server = await start(tmp_path, catalogue_url)
        body = {"url": receiver.url, "events": ["flows/updated"]}
        async with session.post(f"{server.url}/service/webhooks", json=body) as made:
            assert made.status == 201
        flows = [flow_body() for _ in range(FLOWS)]
        for flow in flows:
            async with session.put(f"{server.url}/flows/{flow['id']}", json=flow) as made:
                assert made.status == 201
        editor = Editor(session, [flow["id"] for flow in flows])
        for _ in range(KILLS):
            enough = len(receiver.accepted) + chance.randrange(20, 60)
            editing = asyncio.create_task(editor.edit(server.url, lambda: False))
            await receiver.until(lambda enough=enough: len(receiver.accepted) >= enough)
            assert not editing.done()
            await asyncio.to_thread(server.kill)
            with pytest.raises(aiohttp.ClientError):
                await editing
            server = await start(tmp_path, catalogue_url)
        await editor.edit(server.url, lambda: True)
        try:
            await receiver.until(lambda: told(receiver, editor))
        finally:
            await asyncio.to_thread(server.kill)
            never.set()
        for labels in receiver.labels.values():
            assert labels == sorted(labels)


def told(receiver, editor):
    """Whether the receiver has had every label that was acknowledged."""
    return all(
        set(labels) <= set(receiver.labels.get(flow_id, ()))
        for flow_id, labels in editor.acknowledged.items()
    )
