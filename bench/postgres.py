"""A PostgreSQL server to measure on: a throw-away one of what is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from tests.postgres import PostgresServer, find_binaries, throw_away_server


class Databases:
    """Makes databases on a server, each with a name of its own."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._numbers = count()

    def fresh(self) -> str:
        """The URL of an empty one."""
        return self._server.create(f"bench{next(self._numbers)}")

    def copy(self, url: str) -> str:
        """The URL of a copy of one that nobody is connected to."""
        name = url.removeprefix("postgresql:///").partition("?")[0]
        new = f"bench{next(self._numbers)}"
        where = f"--host={self._server.folder}"
        self._server.run("createdb", where, "--username=tams", f"--template={name}", new)
        return url.replace(name, new, 1)


@contextmanager
def databases() -> Iterator[Databases]:
    """The databases of a server that goes with them."""
    binaries = find_binaries()
    if binaries is None:
        raise SystemExit("PostgreSQL is not installed; --no-postgres leaves it out")
    with throw_away_server(binaries) as server:
        yield Databases(server)
