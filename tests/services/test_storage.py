"""Allocating storage."""

from __future__ import annotations

import re

import pytest

from tams.domain.access import ANYONE
from tams.domain.objects import Instance
from tams.domain.storage import StorageRequest
from tams.errors import FlowReadOnly, Invalid, NotFound
from tams.services.storage import GRACE, StorageAllocation
from tams.storage.local import LocalStorage
from tams.storage.signing import MediaUrls
from tams.storage.storages import Storages
from tests.catalogue.building import new_id
from tests.media_server import BACKEND, SECRET
from tests.services.conftest import BASE, HOT, OBJECT_TIMEOUT


async def allocate(house, flow_id, **asked):
    return await house.storage.allocate(ANYONE, BASE, flow_id, StorageRequest(**asked))


async def test_the_number_is_the_servers_unless_asked_and_never_above_its_maximum(house):
    flow_id = await house.flow()
    for asked, number in (({}, 3), ({"limit": 1}, 1), ({"limit": 10**6}, 1000)):
        found = await allocate(house, flow_id, **asked)
        assert len({item.object_id for item in found}) == number


async def test_an_object_is_written_under_its_day_flow_and_id(house):
    flow_id = await house.flow(container="video/mp2t")
    plain, odd = await allocate(house, flow_id, object_ids=("clip-1", "a/b ü"))
    folder = f"{BASE}/media/{HOT.id}/tams/2026/03/01/{flow_id}"
    assert re.match(rf"{re.escape(folder)}/clip-1\.[0-9a-f]{{8}}\.ts\?", plain.put_url.url)
    assert odd.object_id == "a/b ü"
    assert odd.put_url.url.isascii()
    assert (odd.put_url.content_type, odd.put_url.presigned) == ("video/mp2t", True)


async def test_a_content_type_may_be_asked_for(house):
    (item,) = await allocate(house, await house.flow(), limit=1, content_type="video/mp4")
    assert item.put_url.content_type == "video/mp4"
    assert item.put_url.url.partition("?")[0].endswith(".mp4")


async def test_ids_that_are_taken_refuse_the_whole_request(house):
    flow_id = await house.flow()
    elsewhere = (Instance(url="https://media.example/a", label="elsewhere"),)
    await house.post(flow_id, "external", "[0:0_1:0)", get_urls=elsewhere)
    await house.allocate(flow_id, "allocated", "registered", "gone")
    await house.post(flow_id, "registered", "[1:0_2:0)")
    await house.post(flow_id, "gone", "[2:0_3:0)")
    await house.delete(flow_id, "[2:0_3:0)")
    for taken in ("external", "allocated", "registered", "gone"):
        with pytest.raises(Invalid, match=rf"object_ids: .*already exists, not '{taken}'"):
            await allocate(house, flow_id, object_ids=("free", taken))
    await allocate(house, flow_id, object_ids=("free",))


async def test_more_ids_than_one_request_takes_are_refused(house):
    flow_id = await house.flow()
    ids = tuple(map(str, range(1001)))
    with pytest.raises(Invalid, match="object_ids: it may hold at most 1000 ids, not 1001"):
        await allocate(house, flow_id, object_ids=ids)
    assert await house.taken(*ids) == frozenset()


async def test_the_backend_is_the_one_named_else_the_default(house):
    flow_id = await house.flow()
    for asked in ({}, {"storage_id": HOT.id}):
        (item,) = await allocate(house, flow_id, limit=1, **asked)
        assert f"/media/{HOT.id}/" in item.put_url.url
    with pytest.raises(Invalid, match="storage_id: it must be listed by Storage Backends"):
        await allocate(house, flow_id, storage_id=new_id())


async def test_without_a_default_the_backend_must_be_named(house, tmp_path):
    urls = MediaUrls(SECRET, house.clock, timeout=3600, window=900)
    storages = Storages([LocalStorage(BACKEND, tmp_path, urls)])
    storage = StorageAllocation(
        house.catalogue, storages, house.clock, default=1, maximum=1, object_timeout=OBJECT_TIMEOUT
    )
    flow_id = await house.flow()
    with pytest.raises(Invalid, match="storage_id: it is required"):
        await storage.allocate(ANYONE, BASE, flow_id, StorageRequest())
    named = StorageRequest(storage_id=BACKEND.id)
    assert await storage.allocate(ANYONE, BASE, flow_id, named)


async def test_urls_without_signature_are_refused_with_a_reason(house):
    with pytest.raises(Invalid, match="presigned: this store gives presigned URLs only"):
        await allocate(house, await house.flow(), presigned=False)
    assert await allocate(house, await house.flow(), presigned=True)


async def test_a_flow_must_be_there_writable_and_in_a_container(house):
    for asked in ({}, {"content_type": "video/mp4"}):
        with pytest.raises(NotFound, match="there is no Flow"):
            await allocate(house, new_id(), **asked)
        with pytest.raises(FlowReadOnly, match="read_only"):
            await allocate(house, await house.flow(read_only=True), **asked)
        with pytest.raises(Invalid, match="container: "):
            await allocate(house, await house.flow(container=None), **asked)


async def test_an_object_that_is_never_registered_is_kept_as_long_as_advertised(house):
    flow_id = await house.flow()
    await house.allocate(flow_id, "late", "never")
    house.clock.now += OBJECT_TIMEOUT
    assert not await house.cleanup.condemn_expired()
    assert await house.post(flow_id, "late", "[0:0_1:0)") is None
    house.clock.now += GRACE * 2
    assert await house.cleanup.condemn_expired()
    assert not await house.cleanup.condemn_expired()
    assert "there is no Object never" in await house.post(flow_id, "never", "[1:0_2:0)")
    assert await house.taken("late", "never") == {"late", "never"}
    assert await house.work_off() == 1
    assert await house.taken("late", "never") == {"late"}
