"""Reading Objects."""

from __future__ import annotations

import pytest

from tams.domain.pages import PageRequest
from tams.domain.storage import UrlFilter
from tams.domain.tags import TagFilter
from tams.errors import NotFound
from tests.services.conftest import BASE, HOT


async def get(house, object_id, flow_tags=None, limit=10, key=None, **urls):
    page = PageRequest(limit, key)
    return await house.objects.get(
        BASE, object_id, flow_tags or TagFilter(), page, UrlFilter(**urls)
    )


async def test_an_object_is_known_from_its_first_segment_to_its_last(house):
    flow_id = await house.flow()
    with pytest.raises(NotFound, match="there is no Object a"):
        await get(house, "a")
    await house.allocate(flow_id, "a")
    with pytest.raises(NotFound):
        await get(house, "a")
    await house.post(flow_id, "a", "[0:0_1:0)", key_frame_count=7)
    found, flow_ids, _ = await get(house, "a")
    assert (str(found.timerange), found.key_frame_count) == ("[0:0_1:0)", 7)
    assert (flow_ids.items, found.first_referenced_by_flow) == ([flow_id], flow_id)
    await house.delete(flow_id)
    with pytest.raises(NotFound):
        await get(house, "a")


async def test_the_flows_come_in_pages_and_by_their_tags(house):
    tagged = [await house.flow(tags={"kind": kind}) for kind in ("news", "sport", "news")]
    await house.allocate(tagged[0], "a")
    for flow_id in tagged:
        await house.post(flow_id, "a", "[0:0_1:0)")
    first = (await get(house, "a", limit=2)).flow_ids
    rest = (await get(house, "a", limit=2, key=first.next_key)).flow_ids
    assert [*first.items, *rest.items] == sorted(tagged)
    assert rest.next_key is None
    news = TagFilter({"kind": ("news",)})
    assert (await get(house, "a", news)).flow_ids.items == sorted([tagged[0], tagged[2]])
    nothing = await get(house, "a", TagFilter({"kind": ("drama",)}))
    assert (nothing.object.id, list(nothing.flow_ids.items)) == ("a", [])


async def test_the_signer_is_narrowed_to_what_is_wanted(house):
    flow_id = await house.flow()
    await house.allocate(flow_id, "a")
    await house.post(flow_id, "a", "[0:0_1:0)")
    assert set((await get(house, "a")).signer.backends) == {HOT.id}
    assert not (await get(house, "a", labels=frozenset())).signer.backends
    assert not (await get(house, "a", presigned=False)).signer.backends
