"""The key that signs media URLs, kept in a file that only the server's user can read."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from tams.errors import BadSettings
from tams.storage.folders import make_durably, sync_folder

_SIZE = 32


def load_secret(path: Path) -> bytes:
    """The key in this file, made on first need; every process that shares the file agrees on it.

    Raises `BadSettings` if the file cannot be made or holds something else.
    """
    try:
        if not path.exists():
            _create(path)
        secret = path.read_bytes()
    except OSError as error:
        raise BadSettings(f"TAMS_DATA_DIR: cannot keep {path}: {error.strerror}") from error
    if len(secret) != _SIZE:
        raise BadSettings(
            f"TAMS_DATA_DIR: the key {path} must have {_SIZE} bytes, not {len(secret)}"
        )
    return secret


def _create(path: Path) -> None:
    """Write a whole file under another name and link it: the first of several processes wins."""
    make_durably(path.parent)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, secrets.token_bytes(_SIZE))
        os.fsync(file)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.close(file)
        draft.unlink()
    sync_folder(path.parent)
