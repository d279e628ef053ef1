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
