"""`env.example`: every setting with its default, and a server starts from a copy of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tams.settings import PREFIX, Settings, load_settings, read_settings
from tests.durability.client import Client
from tests.durability.process import PROJECT, server_process

EXAMPLE = (PROJECT / "env.example").read_text()
ALL = re.sub(r"^#(?=TAMS_)", "", EXAMPLE, flags=re.MULTILINE)
"""The same with nothing commented out."""


def test_h035_it_lists_every_setting_with_its_default(tmp_path: Path) -> None:
    names = re.findall(r"^(TAMS_\w+)=", ALL, flags=re.MULTILINE)
    assert names == [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    (tmp_path / ".env").write_text(ALL)
    reading = load_settings({}, tmp_path, config=tmp_path / "none")
    assert reading.settings == read_settings({})
    assert set(reading.places) == set(Settings.model_fields)


@pytest.mark.parametrize("text", [EXAMPLE, ALL], ids=["as it is", "all of it"])
def test_h035_a_server_starts_from_a_copy_of_it(tmp_path: Path, text: str) -> None:
    """`cp env.example .env`, and one line of it changed."""
    changed = re.sub(r"^#?TAMS_PAGE_DEFAULT=100$", "TAMS_PAGE_DEFAULT=7", text, flags=re.MULTILINE)
    assert changed != text
    (tmp_path / ".env").write_text(changed)
    with (
        server_process(tmp_path, "", cwd=tmp_path, env_file=".env") as server,
        Client(server.url) as client,
    ):
        assert client.ask("GET", "/flows").headers["x-paging-limit"] == "7"
