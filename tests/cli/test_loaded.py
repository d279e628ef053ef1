"""What a server has loaded once it serves: nothing that it may never need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LATER = [
    "aiohttp",
    "alembic",
    "asyncpg",
    "av",
    "botocore",
    "cryptography",
    "joserfc",
    "obstore",
    "tams.conformance",
    "tams.dialects.versions",
]
STARTING = """
import asyncio, json, sys
import tams.cli
from tams.app.running import running
from tams.cli.connections import connections
from tams.settings import read_settings

async def start():
    settings = read_settings({}, port=1, data_dir=sys.argv[1])
    async with running(settings):
        print(json.dumps([*sys.modules]))

asyncio.run(start())
"""


def loaded(data: Path) -> set[str]:
    """The modules of a server that has just begun."""
    command = [sys.executable, "-c", STARTING, str(data)]
    return set(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def test_a_start_loads_what_it_needs_alone(tmp_path: Path) -> None:
    """Alembic is what makes a catalogue, so only the first start has it."""
    first = loaded(tmp_path)
    assert first & {*LATER} == {"alembic"}
    second = loaded(tmp_path)
    assert second & {*LATER} == set()
    assert {"fastapi", "uvicorn", "apsw"} <= second
