"""The service's description, on every catalogue."""

from __future__ import annotations

import asyncio

import pytest

from tams.catalogue.connect import catalogue as connect
from tams.domain.access import ANYONE
from tams.domain.service import ServiceDescription, ServicePromises
from tams.services.service import Service

PROMISES = ServicePromises(version="1", min_object_timeout=600, min_presigned_url_timeout=60)


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def url(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
async def service(url):
    catalogue = connect(url)
    await catalogue.open()
    yield Service(catalogue, PROMISES, [])
    await catalogue.close()


async def test_changes_at_the_same_time_are_all_kept(service):
    for turn in map(str, range(20)):
        await asyncio.gather(
            service.update(ANYONE, name=turn, description=None),
            service.update(ANYONE, name=None, description=turn),
        )
        assert await service.describe() == ServiceDescription(turn, turn)


async def test_once_a_change_is_acknowledged_no_process_shows_an_old_description(url):
    catalogues = connect(url), connect(url)
    for catalogue in catalogues:
        await catalogue.open()
    here, there = (Service(catalogue, PROMISES, [], lease=0.05) for catalogue in catalogues)
    for turn in map(str, range(10)):
        assert await there.describe() == await here.describe()
        changing = asyncio.create_task(here.update(ANYONE, name=turn, description=None))
        while not changing.done():
            await there.describe()
            await asyncio.sleep(0)
        assert await there.describe() == await here.describe() == ServiceDescription(turn)
    for catalogue in catalogues:
        await catalogue.close()


async def test_a_description_is_shown_again_until_its_lease_ends(url):
    catalogue, other = connect(url), connect(url)
    await catalogue.open()
    await other.open()
    patient, prompt = (Service(catalogue, PROMISES, [], lease=lease) for lease in (3600, 0))
    await prompt.describe()
    shown = await patient.describe()
    await other.write(lambda tx: tx.service.replace(ServiceDescription("new")))
    assert await patient.describe() is shown
    assert await prompt.describe() == ServiceDescription("new")
    await catalogue.close()
    await other.close()
