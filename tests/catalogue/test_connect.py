from __future__ import annotations

import subprocess
import sys

import pytest

from tams.catalogue.connect import catalogue, migrate
from tams.errors import BadSettings
from tests.catalogue.building import add_flows, get_flow, make_flow


@pytest.mark.parametrize(
    "url", ["", "catalogue.db", "mysql://host/x", "sqlite://", "sqlite:///", "sqlite://host/x"]
)
def test_other_urls_are_refused(url):
    with pytest.raises(BadSettings, match="TAMS_CATALOGUE"):
        catalogue(url)


def test_a_refusal_tells_no_password():
    with pytest.raises(BadSettings) as refusal:
        catalogue("mysql://user:secret@host/x")
    assert "secret" not in str(refusal.value)


async def test_a_migrated_catalogue_opens(catalogue_url):
    await migrate(catalogue_url)
    await migrate(catalogue_url)
    opened = catalogue(catalogue_url)
    await opened.open()
    await add_flows(opened, flow := make_flow())
    assert await get_flow(opened, flow.id) == flow
    await opened.close()


def test_drivers_that_are_not_needed_are_not_loaded(sqlite_url):
    program = f"""
import asyncio, sys
from tams.catalogue.connect import catalogue
assert not {{"apsw", "asyncpg", "sqlalchemy", "alembic"}} & set(sys.modules)
async def main():
    opened = catalogue({sqlite_url!r})
    await opened.open()
    await opened.close()
asyncio.run(main())
print(*({{"asyncpg", "alembic", "sqlite3"}} & set(sys.modules)))
"""
    first, second = (
        subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True
        ).stdout.split()
        for _ in range(2)
    )
    assert first == ["alembic"]  # it makes the schema
    assert second == []


def test_a_missing_driver_is_named():
    program = """
import sys
sys.modules["asyncpg"] = None
from tams.catalogue.connect import catalogue
catalogue("postgresql:///x")
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert "BadSettings" in ended.stderr
    assert "pip install 'tams-server[postgres]'" in ended.stderr
