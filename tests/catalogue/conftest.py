from __future__ import annotations

import pytest

from tams.catalogue.connect import catalogue as connect

KINDS = ["sqlite", "sqlite in memory", "postgresql"]
ABOUT_SEGMENTS = [
    "segments", "deletions", "events", "init_objects", "init_locks", "objects", "instances",
    "flows",
]  # fmt: skip


def pytest_generate_tests(metafunc):
    """Partitions hold Segments, so they are a kind of catalogue for what is about these."""
    if "kind" in metafunc.fixturenames:
        about = metafunc.module.__name__.rpartition(".test_")[2]
        kinds = [*KINDS, "partitions"] if about in ABOUT_SEGMENTS else KINDS
        metafunc.parametrize("kind", kinds)


@pytest.fixture
def url(request, kind):
    """A fresh catalogue of each kind."""
    match kind:
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
