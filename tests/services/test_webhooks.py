"""A webhook that is registered while more and more happens."""

from __future__ import annotations

from tams.domain.access import ANYONE
from tams.domain.events import Event
from tams.domain.targets import Targets
from tams.domain.webhooks import WebhookMetadata, WebhookRequest
from tams.services.webhooks import Webhooks


class Loaded:
    """A catalogue in which an event comes before each work."""

    def __init__(self, catalogue, flow_id):
        self._catalogue = catalogue
        self._flow_id = flow_id
        self.works = 0

    async def _change(self, tx):
        flow = await tx.flows.lock(self._flow_id)
        await tx.events.append(
            Event(type="flows/deleted", entity_id=flow.id, source_id=flow.source_id)
        )

    async def write(self, work):
        self.works += 1
        assert self.works < 10
        await self._catalogue.write(self._change)
        return await self._catalogue.write(work)


async def test_a_steady_load_keeps_no_webhook_from_being_registered(house):
    loaded = Loaded(house.catalogue, await house.flow())
    webhooks = Webhooks(loaded, house.clock, Targets.parse("127.0.0.1"))
    metadata = WebhookMetadata(url="http://127.0.0.1/", events=("flows/created",))
    made = await webhooks.add(ANYONE, WebhookRequest(metadata=metadata))
    assert await house.catalogue.read(lambda tx: tx.webhooks.get(made.id)) == made
    assert loaded.works == 2
