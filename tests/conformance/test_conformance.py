"""Our server passes every check, over HTTP, on each catalogue."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tams.conformance.suite import CHECKS
from tests.authority import visiting

OF_ACCESS = range(291, 295)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def guarded(tmp_path_factory):
    """A server that asks who calls; which engine it has makes no difference to that."""
    async with visiting(tmp_path_factory.mktemp("guarded")) as server:
        yield server


@pytest.mark.parametrize(
    "check", [one for one in CHECKS if one.number not in OF_ACCESS], ids=lambda check: check.name
)
@pytest.mark.asyncio(loop_scope="module")
async def test_statement(check, server):
    await check.run(server)


@pytest.mark.parametrize(
    "check", [one for one in CHECKS if one.number in OF_ACCESS], ids=lambda check: check.name
)
@pytest.mark.asyncio(loop_scope="module")
async def test_statement_of_access(check, guarded):
    await check.run(guarded)
