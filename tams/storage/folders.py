"""Folders whose entries outlive a crash, and locks between processes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_REMEMBERED = 10_000


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep every other thread and process out that locks the same file."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_durably(folder: Path) -> None:
    """Make a folder and those above it that are missing, so that a power cut leaves them there."""
    if not folder.is_dir():
        make_durably(folder.parent)
        folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


class Folders:
    """The folders below a root, made as they are needed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._durable: set[Path] = set()

    def make(self, folder: Path) -> None:
        """Make the folder and its parents durable.

        A folder that is there already may have been made a moment ago by a process that has not
        synced its parent yet, so each is synced once in the life of this process.
        """
        if folder in self._durable and folder.is_dir():
            return
        if folder != self._root:
            self.make(folder.parent)
        folder.mkdir(parents=folder == self._root, exist_ok=True)
        sync_folder(folder.parent)
        if len(self._durable) >= _REMEMBERED:
            self._durable.clear()
        self._durable.add(folder)
