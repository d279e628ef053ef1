from __future__ import annotations

import pytest

from tams.catalogue.connect import catalogue as connect


@pytest.fixture(params=["sqlite", "sqlite in memory", "postgresql", "partitions"])
def url(request):
    """A fresh catalogue of each kind."""
    match request.param:
        case "sqlite":
            return request.getfixturevalue("sqlite_url")
        case "sqlite in memory":
            return "sqlite:///:memory:"
        case "partitions":
            return request.getfixturevalue("partitioned_url")
        case _:
            return request.getfixturevalue("postgres_url")


@pytest.fixture
async def catalogue(url):
    """A catalogue of each kind, empty and open."""
    opened = connect(url, connections=4)
    await opened.open()
    yield opened
    await opened.close()
