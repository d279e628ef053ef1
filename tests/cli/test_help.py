"""What the commands tell of themselves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer

from tams import __version__
from tams.cli import app

OPTIONS = {
    "serve": {"--host", "--port", "--data-dir", "--workers", "--insecure"},
    "worker": {"--data-dir"},
    "ingest": {
        "--url",
        "--label",
        "--source-label",
        "--segment-duration",
        "--start",
        "--tag",
        "--container",
    },
    "upload": {
        "--source-name",
        "--flow-name",
        "--resolution",
        "--frame-rate",
        "--codec",
        "--container",
        "--duration",
        "--series-mode",
        "--batch",
        "--flow-prefix",
        "--extensions",
        "--cut",
        "--dry-run",
        "--timeout",
        "--base-url",
        "--url",
    },
    "export": {"--timerange", "--url"},
    "ls": {"--json", "--url"},
    "conformance": {
        "--url",
        "--token",
        "--credential",
        "--spec",
        "--only",
        "--json",
        "--receiver",
        "--api-version",
        "--slow",
    },
    "version": set(),
    "admin": set(),
    "admin migrate": {"--segment-partitions"},
    "admin check": {"--repair", "--yes", "--json"},
    "admin gc": {"--dry-run", "--json"},
    "admin report": {"--json"},
    "admin backup": {"--force"},
    "admin restore": set(),
    "admin user": set(),
    "admin user add": {"--scope", "--stdin"},
    "admin user remove": set(),
    "admin user list": set(),
    "admin client": set(),
    "admin client add": {"--scope", "--stdin"},
    "admin client remove": set(),
    "admin client list": set(),
    "admin token": set(),
    "admin token add": {"--scope", "--days"},
    "admin token remove": set(),
    "admin token list": set(),
}
"""The commands and their options, as the issue lists them, and a few of ours."""


def commands() -> Iterator[tuple[str, typer.core.TyperCommand | typer.core.TyperGroup]]:
    """Yield every command with the words that call it."""
    waiting = [("", typer.main.get_command(app))]
    while waiting:
        words, command = waiting.pop()
        for name, member in getattr(command, "commands", {}).items():
            waiting.append((f"{words} {name}".strip(), member))
            yield waiting[-1]


def test_the_commands_and_their_options_are_those_listed() -> None:
    """`tams ingest FILE… [--url] [--label] …`, `tams export`, `tams ls`, `tams serve`."""
    found = {
        words: {
            option for parameter in command.params for option in parameter.opts if "--" in option
        }
        for words, command in commands()
    }
    assert found == OPTIONS


@pytest.mark.parametrize("words", OPTIONS)
@pytest.mark.parametrize("ask", ["--help", "-h"])
def test_help_tells_what_a_command_does_and_its_options(shell, monkeypatch, words, ask) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    run = shell(*words.split(), ask)
    assert (run.exit_code, run.stderr) == (0, "")
    assert f"Usage: tams {words}" in run.stdout
    summary = next(command.help for name, command in commands() if name == words)
    assert summary.splitlines()[0] in run.stdout
    for option in OPTIONS[words]:
        assert option in run.stdout


@pytest.mark.parametrize("words", ["", "admin"])
def test_without_a_command_it_shows_the_commands(shell, words) -> None:
    run = shell(*words.split())
    assert run.exit_code == 2
    for name in OPTIONS:
        if name.startswith(words) and name != words:
            assert name.removeprefix(words).split()[0] in run.stdout


def test_a_word_that_is_no_command_is_named(shell) -> None:
    run = shell("srve")
    assert run.exit_code == 2
    assert "No such command 'srve'" in run.stderr


def test_version(shell) -> None:
    assert shell("version").stdout == f"{__version__}\n"


def test_the_package_runs_as_the_command_does() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tams", "version"], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, f"{__version__}\n", "")
