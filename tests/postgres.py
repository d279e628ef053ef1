"""A throw-away PostgreSQL server, of the programs that are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg


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
        self.resume()

    def resume(self) -> None:
        """Start it again after it was stopped, with what it held."""
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


@contextmanager
def throw_away_server(binaries: Path) -> Iterator[PostgresServer]:
    """A server in a folder of its own, which goes with it."""
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
