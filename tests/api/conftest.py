"""A server furnished for tests of bad input, which must leave it as it was."""

from __future__ import annotations

import pytest_asyncio

from tests.api.refusals import furnish


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def furnishing(server):
    return await furnish(server)


@pytest_asyncio.fixture(loop_scope="module")
async def furnished(furnishing):
    """A furnished server, in which the test that uses it may change nothing."""
    before = await furnishing.ledger()
    yield furnishing
    assert await furnishing.ledger() == before
