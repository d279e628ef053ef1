from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.checkup.store import CheckedStore


@pytest.fixture
async def store(catalogue_url, tmp_path) -> AsyncIterator[CheckedStore]:
    """An empty store on each engine, with two Storage Backends."""
    opened = CheckedStore(catalogue_url, tmp_path)
    await opened.open()
    yield opened
    await opened.close()
