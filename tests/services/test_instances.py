"""Adding and removing instances: what is refused, what is seen at once, when bytes go."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tams.domain.objects import Instance
from tams.errors import Invalid, NotFound
from tests.catalogue.building import new_id
from tests.services.conftest import HOT, URL_LIFETIME
from tests.services.copying import COLD, CONTENT, close, open_copying

LINK = {"url": "https://media.example/a.ts", "label": "elsewhere"}


@pytest.fixture
async def copying(house, tmp_path):
    opened = await open_copying(house, tmp_path)
    yield opened
    await close(opened)


async def copied(copying):
    """An Object in both folders; gives its two instances."""
    await copying.stored()
    await copying.add()
    await copying.work_off()
    return await copying.listed()


async def test_only_objects_that_segments_refer_to_have_instances(copying):
    flow_id = await copying.stored("gone")
    await copying.house.allocate(flow_id, "allocated")
    await copying.house.delete(flow_id)
    for object_id in ("unknown", "allocated", "gone"):
        for asked in ({"storage_id": COLD.id}, LINK):
            with pytest.raises(NotFound, match=f"there is no Object {object_id}"):
                await copying.add(object_id, **asked)
        with pytest.raises(NotFound, match=f"there is no Object {object_id}"):
            await copying.remove(object_id, label="elsewhere")


async def test_a_backend_takes_one_copy(copying):
    await copying.stored()
    with pytest.raises(Invalid, match="storage_id: it must be listed by Storage Backends"):
        await copying.add(storage_id=new_id())
    with pytest.raises(Invalid, match="storage_id: Object a already lies in this one"):
        await copying.add(storage_id=HOT.id)
    asked = await asyncio.gather(*(copying.add() for _ in range(4)), return_exceptions=True)
    refused = [str(answer) for answer in asked if answer is not None]
    assert len(refused) == 3
    assert all("is on its way" in reason for reason in refused)
    await copying.work_off()
    with pytest.raises(Invalid, match="already lies in this one"):
        await copying.add()


async def test_a_url_is_listed_at_once_and_last(copying):
    await copying.stored()
    await copying.add(**LINK)
    await copying.add()
    await copying.work_off()
    own, copy, elsewhere = await copying.listed()
    assert (own.storage_id, copy.storage_id) == (HOT.id, COLD.id)
    assert elsewhere == Instance(**LINK)


async def test_a_label_is_taken_once_and_never_from_a_backend(copying):
    await copying.stored()
    await copying.add(**LINK)
    for label, rule in (
        ("elsewhere", "Object a has an instance with this one"),
        ("cold", "it must not be that of a Storage Backend"),
    ):
        with pytest.raises(Invalid, match=f"label: {rule}"):
            await copying.add(url="https://media.example/b.ts", label=label)
    await copying.remove(label="elsewhere")
    await copying.add(**LINK)
    assert len(await copying.listed()) == 2


@pytest.mark.parametrize("asked", [{}, {"storage_id": HOT.id, "label": "elsewhere"}])
async def test_one_name_says_which_instance_goes(copying, asked):
    await copying.stored()
    await copying.add(**LINK)
    with pytest.raises(Invalid, match="one of storage_id and label must say which"):
        await copying.remove(**asked)
    assert len(await copying.listed()) == 2


@pytest.mark.parametrize("asked", [{"storage_id": COLD.id}, {"label": "cold"}, {"label": "none"}])
async def test_an_instance_that_is_not_there_is_not_found(copying, asked):
    await copying.stored()
    await copying.add()
    with pytest.raises(NotFound, match="there is no instance of Object a with"):
        await copying.remove(**asked)


@pytest.mark.parametrize("asked", [{"storage_id": HOT.id}, {"label": HOT.label}])
async def test_bytes_outlive_their_instance_until_its_urls_have_ended(copying, asked):
    own, copy = await copied(copying)
    await copying.remove(**asked)
    assert await copying.listed() == (copy,)
    copying.house.clock.now += URL_LIFETIME - timedelta(seconds=1)
    assert await copying.work_off() == 0
    assert await copying.content_of(own) == CONTENT
    copying.house.clock.now += timedelta(seconds=1)
    assert await copying.work_off() == 1
    assert await copying.held_by(copying.hot) == []
    assert await copying.content_of(copy) == CONTENT


async def test_what_was_removed_may_be_copied_back_at_once(copying):
    own, _ = await copied(copying)
    await copying.remove(storage_id=HOT.id)
    await copying.add(storage_id=HOT.id)
    await copying.work_off()
    _, back = await copying.listed()
    assert back.storage_id == HOT.id
    assert back.key != own.key
    copying.house.clock.now += URL_LIFETIME
    assert await copying.work_off() == 1
    assert await copying.held_by(copying.hot) == [CONTENT]
    assert await copying.content_of(back) == CONTENT


async def test_the_last_instance_stays_even_while_a_copy_is_on_its_way(copying):
    await copying.stored()
    await copying.add()
    with pytest.raises(Invalid, match="storage_id: an Object keeps its last instance; delete"):
        await copying.remove(storage_id=HOT.id)
    await copying.work_off()
    await copying.remove(storage_id=HOT.id)
    with pytest.raises(Invalid, match="last instance"):
        await copying.remove(storage_id=COLD.id)
    await copying.add(**LINK)
    await copying.remove(storage_id=COLD.id)
    with pytest.raises(Invalid, match="label: an Object keeps its last instance"):
        await copying.remove(label="elsewhere")
    assert await copying.listed() == (Instance(**LINK),)


async def test_two_who_remove_the_last_two_leave_one(copying):
    await copied(copying)
    answers = await asyncio.gather(
        copying.remove(storage_id=HOT.id),
        copying.remove(storage_id=COLD.id),
        return_exceptions=True,
    )
    assert sorted(type(answer) for answer in answers if answer is not None) == [Invalid]
    assert len(await copying.listed()) == 1


async def test_all_places_go_with_their_object(copying):
    flow_id = await copying.stored()
    await copying.add()
    await copying.work_off()
    await copying.remove(storage_id=HOT.id)
    await copying.add(storage_id=HOT.id)
    await copying.work_off()
    await copying.house.delete(flow_id)
    assert len(await copying.held_by(copying.hot, copying.cold)) == 3
    copying.house.clock.now += URL_LIFETIME
    await copying.work_off()
    assert await copying.held_by(copying.hot, copying.cold) == []
    assert await copying.house.taken("a") == frozenset()


async def test_a_read_only_flow_does_not_stand_in_the_way(copying):
    flow_id = await copying.stored()

    async def protect(tx):
        flow = await tx.flows.get(flow_id)
        await tx.flows.lock(flow_id)
        await tx.flows.replace(replace(flow, read_only=True))

    await copying.house.catalogue.write(protect)
    await copying.add()
    await copying.work_off()
    await copying.remove(storage_id=HOT.id)
    assert [each.storage_id for each in await copying.listed()] == [COLD.id]
