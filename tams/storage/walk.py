"""The keys of a folder, a page at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from tams.storage.base import StoredKey
from tams.storage.facts import facts_path, moment, read_facts
from tams.storage.keys import is_key

PAGE = 1000


class Walk:
    """Goes through the folders below a root, of which it keeps one open for each level.

    Its methods run in threads, one after the other; they raise `OSError`.
    """

    def __init__(self, root: Path, prefix: str) -> None:
        self._root = root
        self._found = self._below(root / prefix)

    def page(self) -> Sequence[StoredKey]:
        """The next keys; none at the end."""
        return list(islice(self._found, PAGE))

    def _below(self, folder: Path) -> Iterator[StoredKey]:
        try:
            entries = os.scandir(folder)
        except FileNotFoundError:  # it went while we walked
            return
        with entries:
            for entry in entries:
                if not is_key(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from self._below(folder / entry.name)
                elif entry.is_file():
                    with suppress(FileNotFoundError):
                        yield self._stored(Path(entry.path), entry.stat())

    def _stored(self, path: Path, status: os.stat_result) -> StoredKey:
        facts = read_facts(facts_path(path, status.st_mtime_ns)) or {}
        key = path.relative_to(self._root).as_posix()
        return StoredKey(key, status.st_size, moment(status.st_mtime_ns), facts.get("size"))
