"""A file system of SQLite's that knows what a power cut would leave: what was synced, at least.

Its files are real; beside each it keeps the bytes as they were at its last sync, and the writes
since. A power cut may have let any of those through.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Lock

import apsw

TRUNCATED = None


@dataclass
class Medium:
    """One file on the medium; `cached` holds writes at offsets, or truncations to a size."""

    synced: bytearray = field(default_factory=bytearray)
    is_synced: bool = False
    cached: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        apply(self.synced, self.cached)
        self.cached.clear()
        self.is_synced = True


def apply(content: bytearray, changes: list[tuple[int, bytes | None]]) -> None:
    for at, written in changes:
        if written is TRUNCATED:
            del content[at:]
        else:
            content.extend(bytes(max(0, at - len(content))))
            content[at : at + len(written)] = written


class VolatileVFS(apsw.VFS):
    """Registered under `name` as long as it is kept; `watch` is called after each change."""

    def __init__(self, name: str, watch: Callable[[], None]) -> None:
        super().__init__(name, "")
        self.name = name
        self.watch = watch
        self._lock = Lock()
        self._media: dict[str, Medium] = {}

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        if name is None:  # a temporary file, which no power cut leaves
            return apsw.VFSFile("", name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        with self._lock:
            self._media.setdefault(path, Medium())
        return VolatileFile(self, path, name, flags)

    def xDelete(self, path: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(path, syncdir)
        with self._lock:
            self._media.pop(path, None)
        self.watch()

    def change(self, path: str, at: int, written: bytes | None) -> None:
        with self._lock:
            self._media[path].cached.append((at, written))
        self.watch()

    def sync(self, path: str) -> None:
        with self._lock:
            self._media[path].sync()
        self.watch()

    def cut_power(self, into: Path, luck: Random | None) -> None:
        """Write the files that a power cut would leave now.

        Without luck all is lost that was not synced; with it, some writes got through.
        """
        with self._lock:
            left = {path: survivor(medium, luck) for path, medium in self._media.items()}
        for path, content in left.items():
            if content is not None:
                (into / Path(path).name).write_bytes(content)


def survivor(medium: Medium, luck: Random | None) -> bytes | None:
    """The file after a power cut; None if it never became durable."""
    through = [change for change in medium.cached if luck is not None and luck.random() < 0.5]
    if not medium.is_synced and not through:
        return None
    content = bytearray(medium.synced)
    apply(content, through)
    return bytes(content)


class VolatileFile(apsw.VFSFile):
    """A file that reports each change."""

    def __init__(
        self, vfs: VolatileVFS, path: str, name: str | apsw.URIFilename, flags: list[int]
    ) -> None:
        super().__init__("", name, flags)
        self._vfs = vfs
        self._path = path

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        self._vfs.change(self._path, offset, bytes(data))

    def xTruncate(self, size: int) -> None:  # noqa: N802
        super().xTruncate(size)
        self._vfs.change(self._path, size, TRUNCATED)

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._vfs.sync(self._path)
