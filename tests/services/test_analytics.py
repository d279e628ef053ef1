"""Numbers of a store that are not in the rows of its Flows."""

from __future__ import annotations

from tams.catalogue.sql.analytics import SQLAnalytics
from tams.domain.objects import Access
from tams.services.analytics import ALL, LISTED, RECOUNT, Analytics
from tests.catalogue.building import NOON
from tests.catalogue.test_rollups import uncount


async def test_objects_that_were_never_read_are_looked_for_in_slices(house, monkeypatch):
    looked = []

    async def noted(self, part, limit):
        looked.append(part.number)
        return await never_read(self, part, limit)

    never_read = SQLAnalytics.never_read
    monkeypatch.setattr(SQLAnalytics, "never_read", noted)
    number = 3 * LISTED
    await house.fill(await house.flow(), number)
    analytics = Analytics(house.catalogue, house.clock, slice_size=4)

    async def least():
        looked.clear()
        return [(one.id, one.accesses) for one in (await analytics.storage(ALL)).least]

    assert await least() == [(f"o{at}", 0) for at in range(LISTED)]
    assert looked == [4, 4, 4]
    reads = {f"o{at}": Access(number - at, NOON) for at in range(number) if at != number - 2}
    await house.catalogue.write(lambda tx: tx.objects.read(reads))
    rarely = [(f"o{at}", number - at) for at in reversed(range(number)) if at != number - 2]
    assert await least() == [(f"o{number - 2}", 0), *rarely][:LISTED]
    assert looked == [4] * 7 + [2]


async def test_what_a_repair_left_uncounted_is_counted_later(house):
    flow_id = await house.flow()
    await house.fill(flow_id, 3)
    analytics = Analytics(house.catalogue, house.clock)
    key = (await house.catalogue.write(lambda tx: tx.flows.lock(flow_id))).key
    for _ in range(2):
        await uncount(house.catalogue, key)
        house.clock.now += RECOUNT
        assert await analytics.count_some()
        assert not await analytics.count_some()
        assert not await house.catalogue.read(lambda tx: tx.analytics.uncounted())
    await uncount(house.catalogue, key)
    assert not await analytics.count_some()
