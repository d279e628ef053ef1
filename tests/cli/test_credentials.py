"""`tams admin user|client|token`: the credentials file, and the server that reads it."""

from __future__ import annotations

import io
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import typer

from tams.services.credentials import Account, Credentials, change_credentials
from tams.services.passwords import HashedPassword
from tests.authority import CHEAP, PASSWORD, guards
from tests.serving import serving_apart

KINDS = ("user", "client", "token")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The name of a credentials file that is not there yet, in a folder that is not either."""
    path = tmp_path / "kept" / "credentials.json"
    monkeypatch.setenv("TAMS_CREDENTIALS", str(path))
    return path


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch):
    """Let a line come by standard input."""
    return lambda line: monkeypatch.setattr("sys.stdin", io.StringIO(line))


def test_a_user_is_added_listed_and_removed(shell, file, typed) -> None:
    typed(f"{PASSWORD}\nnot this\n")
    run = shell("admin", "user", "add", "ada", "--scope", "read", "--scope", "write", "--stdin")
    assert run == (0, "", "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = json.loads(file.read_text())["users"]["ada"]
    assert set(kept["scopes"]) == {"tams-api/read", "tams-api/write"}
    assert HashedPassword.parse(kept["hash"]).matches(PASSWORD)
    assert not HashedPassword.parse(kept["hash"]).matches(f"{PASSWORD} ")
    assert PASSWORD not in file.read_text()
    assert shell("admin", "user", "list") == (0, "ada  read write\n", "")
    assert shell("admin", "user", "remove", "ada") == (0, "", "")
    assert shell("admin", "user", "list") == (0, "", "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_password_is_asked_for_without_echo(shell, file, monkeypatch) -> None:
    asked = []

    def prompt(text: str, **how: object) -> str:
        asked.append((text, how))
        return PASSWORD

    monkeypatch.setattr(typer, "prompt", prompt)
    assert shell("admin", "user", "add", "ada", "--scope", "read") == (0, "", "")
    how = {"hide_input": True, "confirmation_prompt": True, "err": True}
    assert asked == [("Password", how)]


@pytest.mark.parametrize("kind", ["client", "token"])
def test_a_secret_is_shown_once(shell, file, kind) -> None:
    first, second = (
        shell("admin", kind, "add", name, "--scope", "delete").stdout for name in ("one", "two")
    )
    assert len(first.strip()) == len(second.strip()) == 43
    assert first != second
    assert first.strip() not in file.read_text()
    assert shell("admin", kind, "list") == (0, "one  delete\ntwo  delete\n", "")
    shell("admin", kind, "remove", "one")
    assert shell("admin", kind, "list") == (0, "two  delete\n", "")


def test_a_token_may_end(shell, file) -> None:
    shell("admin", "token", "add", "soon", "--scope", "read", "--days", "2")
    listed = shell("admin", "token", "list").stdout
    assert listed.startswith("soon  read  until 20")
    assert listed.endswith("+00:00\n")


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_meant_is_named_and_changes_nothing(shell, file, typed, kind) -> None:
    typed("a password\na password\n")
    stdin = [] if kind == "token" else ["--stdin"]
    shell("admin", kind, "add", "ada", "--scope", "read", *stdin)
    before = file.read_bytes()
    for arguments, said in (
        (("add", "ada", "--scope", "read", *stdin), "name: it must be none of the"),
        (("add", "a:b", "--scope", "read", *stdin), "without a colon"),
        (("add", "", "--scope", "read", *stdin), "printable"),
        (("add", "eve", "--scope", "all", *stdin), "--scope: it must be one of admin, read"),
        (("remove", "eve"), "name: it must be one of the"),
    ):
        typed("a password\n")
        run = shell("admin", kind, *arguments)
        assert run.exit_code == 1
        assert said in run.stderr
        assert "a password" not in run.stderr
        assert file.read_bytes() == before


def test_an_empty_password_is_none(shell, file, typed) -> None:
    typed("\n")
    run = shell("admin", "user", "add", "ada", "--scope", "read", "--stdin")
    assert (run.exit_code, run.stderr[:15]) == (1, "tams: --stdin: ")
    assert not file.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_must_be_named(shell, monkeypatch, kind) -> None:
    monkeypatch.delenv("TAMS_CREDENTIALS", raising=False)
    run = shell("admin", kind, "list")
    assert (run.exit_code, run.stderr[:24]) == (1, "tams: TAMS_CREDENTIALS: ")


def test_a_file_that_is_not_there_has_no_list(shell, file) -> None:
    run = shell("admin", "user", "list")
    assert run.exit_code == 1
    assert "No such file" in run.stderr


def test_changes_at_the_same_time_all_count(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    account = Account(frozenset(), str(HashedPassword.of("x", CHEAP)))

    def add(number: int) -> None:
        change_credentials(path, lambda old: old.added("users", f"user {number}", account))

    change_credentials(path, lambda _: Credentials())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    assert len(json.loads(path.read_text())["users"]) == 40
    left = {one.name for one in tmp_path.iterdir()}
    assert left == {"credentials.json", ".credentials.json.lock"}


def test_commands_show_what_the_environment_holds(shell, tmp_path, typed, monkeypatch) -> None:
    chosen = guards(tmp_path)
    with serving_apart(tmp_path, f"sqlite:///{tmp_path}/catalogue.sqlite", **chosen) as url:
        monkeypatch.setenv("TAMS_API_BASE_URL", url)
        refused = shell("ls", "flows")
        assert refused.exit_code == 1
        assert "credentials: " in refused.stderr
        monkeypatch.setenv("TAMS_CREDENTIALS", chosen["credentials"])
        token = shell("admin", "token", "add", "reader", "--scope", "read").stdout.strip()
        secret = shell("admin", "client", "add", "lister", "--scope", "read").stdout.strip()
        assert (
            shell(
                "ls", "flows", "--url", url.replace("//", "//read:pass%3A%20w%C3%B6rd@")
            ).exit_code
            == 0
        )
        monkeypatch.setenv("TAMS_API_CLIENT_ID", "lister")
        monkeypatch.setenv("TAMS_API_CLIENT_SECRET", f"{secret}x")
        refused = shell("ls", "flows")
        assert refused.exit_code == 1
        assert secret not in refused.stderr
        monkeypatch.setenv("TAMS_API_CLIENT_SECRET", secret)
        assert shell("ls", "flows").exit_code == 0
        monkeypatch.delenv("TAMS_API_CLIENT_ID")
        monkeypatch.setenv("TAMS_API_TOKEN", token)
        assert shell("ls", "flows").exit_code == 0
