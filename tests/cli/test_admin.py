"""`tams admin migrate`, for whoever looks after the store."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.durability.client import Client
from tests.durability.process import DEADLINE_S, TAMS, environment, server_process

DONE = "the catalogue's schema is that of this version\n"


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    return subprocess.run(
        [*TAMS, *arguments],
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def test_serve_names_migrate_which_may_be_repeated(tmp_path: Path, empty_postgres_url: str) -> None:
    """Migrations from the first day: `tams admin migrate` on PostgreSQL."""
    settings = {"catalogue": empty_postgres_url, "data_dir": str(tmp_path / "data")}
    refused = run("serve", "--port", "0", **settings)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("tams: TAMS_CATALOGUE: the database has no schema")
    assert refused.stderr.endswith("run `tams admin migrate`\n")
    for _ in range(2):
        migrated = run("admin", "migrate", **settings)
        assert (migrated.returncode, migrated.stdout, migrated.stderr) == (0, DONE, "")
    with server_process(tmp_path, empty_postgres_url) as server, Client(server.url) as client:
        assert client.ask("GET", "/flows").json == []


def test_an_embedded_catalogue_may_be_migrated_too(tmp_path: Path) -> None:
    """`tams serve` migrates an embedded SQLite by itself; the command does the same."""
    for _ in range(2):
        migrated = run("admin", "migrate", data_dir=str(tmp_path / "data"))
        assert (migrated.returncode, migrated.stdout, migrated.stderr) == (0, DONE, "")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["catalogue.sqlite"]
    with server_process(tmp_path, "") as server, Client(server.url) as client:
        assert client.ask("GET", "/flows").json == []


def test_a_catalogue_that_cannot_be_reached_is_one_line(tmp_path: Path) -> None:
    failed = run("admin", "migrate", catalogue="postgresql://me:secret@127.0.0.1:1/x")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("tams: TAMS_CATALOGUE: cannot use PostgreSQL: ")
    assert failed.stderr.count("\n") == 1
    assert "secret" not in failed.stderr
