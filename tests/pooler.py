"""A throw-away pgbouncer before a throw-away PostgreSQL server."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from tests.postgres import PostgresServer

PORT = 6432  # only the name of a socket in a folder of its own
DEADLINE_S = 20
SETTINGS = """
[databases]
* = host={server} user=tams
[pgbouncer]
pool_mode = transaction
default_pool_size = 2
max_client_conn = 200
listen_port = {port}
unix_socket_dir = {folder}
auth_type = any
"""
"""Two connections for all, so that each transaction meets what others have left on them."""


@contextmanager
def throw_away_pooler(server: PostgresServer) -> Iterator[Path]:
    """The folder of its socket, which goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="tams-pgbouncer-"))
    settings = folder / "pgbouncer.ini"
    settings.write_text(SETTINGS.format(server=server.folder, folder=folder, port=PORT))
    if os.geteuid() == 0:
        shutil.chown(folder, server.user)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["pgbouncer", "--quiet", settings],
            user=server.user if os.geteuid() == 0 else None,
            stdout=log,
            stderr=log,
        )
    try:
        end = monotonic() + DEADLINE_S
        while not (folder / f".s.PGSQL.{PORT}").exists():
            assert process.poll() is None, (folder / "log").read_text()
            assert monotonic() < end
        yield folder
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)
