"""The secret: made once, by whoever comes first, for the server's user alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tams.errors import BadSettings
from tams.storage.secret import load_secret


def test_it_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "data" / "media.secret"
    secret = load_secret(path)
    assert len(secret) == 32
    assert load_secret(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["media.secret"]


def test_all_who_start_at_once_agree(tmp_path: Path) -> None:
    path = tmp_path / "media.secret"
    with ThreadPoolExecutor(16) as threads:
        secrets = set(threads.map(load_secret, [path] * 64))
    assert secrets == {path.read_bytes()}


def test_two_deployments_differ(tmp_path: Path) -> None:
    assert load_secret(tmp_path / "one") != load_secret(tmp_path / "two")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "media.secret"
    path.write_bytes(b"short")
    with pytest.raises(BadSettings, match=r"media\.secret must have 32 bytes, not 5"):
        load_secret(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(BadSettings, match=r"data/media\.secret"):
        load_secret(tmp_path / "data" / "media.secret")
