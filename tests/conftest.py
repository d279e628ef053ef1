"""Catalogues for every test that wants one: a fresh SQLite file, an emptied PostgreSQL database."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from tams.catalogue.connect import migrate
from tams.catalogue.sql.migrations import steps
from tests.serving import serving


@dataclass(frozen=True)
class PostgresServer:
    """A throw-away server that listens on a socket in its own folder."""

    binaries: Path
    folder: Path
    user: str

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the server's user; it refuses to be root's."""
        subprocess.run(
            [self.binaries / program, *arguments],
            check=True,
            user=self.user if os.geteuid() == 0 else None,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )

    def start(self) -> None:
        self.run("initdb", "--pgdata=data", "--username=tams", "--auth=trust", "--no-sync")
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c fsync=off"
        self.run("pg_ctl", "start", "--wait", "--pgdata=data", "--log=log", f"--options={options}")

    def stop(self) -> None:
        self.run("pg_ctl", "stop", "--pgdata=data", "--mode=immediate")

    def create(self, name: str) -> str:
        """Create a database and return its URL."""
        self.run("createdb", f"--host={self.folder}", "--username=tams", name)
        return f"postgresql:///{name}?host={self.folder}&user=tams"


async def renew(url: str, script: str) -> None:
    """Empty a database and run a script in it: ten times as fast as a new database."""
    database = await asyncpg.connect(url)
    try:
        await database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await database.execute(f"DROP SCHEMA public CASCADE; CREATE SCHEMA public; {script}")
    finally:
        await database.close()


def find_binaries() -> Path | None:
    """Where PostgreSQL's programs are: on the path, or where Debian puts them, the newest."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((program.parent for program in found), default=None, key=lambda at: at.parts[-2])


@pytest.fixture(scope="session")
def postgres_server():
    """A server of its own for this run."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="tams-postgres-"))
    server = PostgresServer(binaries, folder, "postgres")
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_databases(postgres_server):
    """The URLs of two databases, one for what has the schema and one for what has not."""
    return postgres_server.create("tams"), postgres_server.create("tams_empty")


@pytest.fixture(scope="session")
def postgres_schema():
    """The statements that make the schema."""
    return steps("postgresql", None)


@pytest.fixture
def postgres_url(postgres_databases, postgres_schema):
    """A database with the schema, and nothing in it."""
    url, _ = postgres_databases
    asyncio.run(renew(url, postgres_schema))
    return url


@pytest.fixture
def empty_postgres_url(postgres_databases):
    """A database without a schema."""
    _, url = postgres_databases
    asyncio.run(renew(url, ""))
    return url


@pytest.fixture
def sqlite_url(tmp_path):
    """A file that is not there yet."""
    return f"sqlite:///{tmp_path / 'catalogue.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def catalogue_url(request):
    """A fresh catalogue of each engine."""
    engine = "postgres" if request.param == "postgresql" else request.param
    return request.getfixturevalue(f"{engine}_url")


_lasting = count(1)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lasting_catalogue_url(request, tmp_path_factory):
    """A catalogue of each engine that the tests of one file share."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('catalogue')}/catalogue.sqlite"
    url = request.getfixturevalue("postgres_server").create(f"lasting_{next(_lasting)}")
    asyncio.run(migrate(url))
    return url


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(lasting_catalogue_url, tmp_path_factory):
    """The whole server over HTTP, on each engine; the tests of one file share it."""
    async with serving(tmp_path_factory.mktemp("served"), lasting_catalogue_url) as served:
        yield served
