"""Our server passes every check, over HTTP, on each catalogue."""

from __future__ import annotations

import pytest

from tams.conformance.suite import CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
@pytest.mark.asyncio(loop_scope="module")
async def test_statement(check, server):
    await check.run(server)
