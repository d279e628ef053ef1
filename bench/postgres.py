"""A PostgreSQL database to measure on: a throw-away server of what is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.postgres import find_binaries, throw_away_server


@contextmanager
def fresh_database() -> Iterator[str]:
    """The URL of an empty database."""
    binaries = find_binaries()
    if binaries is None:
        raise SystemExit("PostgreSQL is not installed; --no-postgres leaves it out")
    with throw_away_server(binaries) as server:
        yield server.create("bench")
