"""Bytes on their way into a file: invisible until they are whole."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from threading import Lock

from tams.storage.checksums import Checksums


class Upload:
    """A file in the folder of uploads, locked for as long as somebody writes it.

    Its methods run in threads, one after the other; only `abandon` may be called at any moment.
    Raises `Invalid` if an expected checksum is malformed.
    """

    def __init__(self, folder: Path, expected: Mapping[str, str]) -> None:
        self._path = folder / secrets.token_hex(16)
        self._checksums = Checksums(expected)
        self._turn = Lock()
        self._file: FileIO | None = None
        self._abandoned = False
        self.size = 0

    def start(self) -> None:
        """Make the file; made anew if it was taken for an abandoned one before it was locked."""
        with self._turn:
            while not self._abandoned:
                file = self._path.open("xb", buffering=0)
                fcntl.flock(file, fcntl.LOCK_EX)
                if os.fstat(file.fileno()).st_nlink:
                    self._file = file
                    return
                file.close()

    def write(self, chunk: bytes) -> None:
        """Add bytes at the end."""
        with self._turn:
            self._checksums.update(chunk)
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._opened.write(rest) :]
            self.size += len(chunk)

    def verified(self) -> dict[str, str]:
        """The checksums of all bytes; raises `Invalid` if one is not what was expected."""
        return self._checksums.verified()

    def sync(self) -> int:
        """Make the bytes durable; return the time of modification that they keep, in ns.

        It is set from a finer clock than the kernel stamps files with, so that no two uploads of a
        key share it.
        """
        with self._turn:
            file = self._opened.fileno()
            now = time.time_ns()
            os.utime(file, ns=(now, now))
            os.fsync(file)
            return os.fstat(file).st_mtime_ns

    def move(self, path: Path) -> None:
        """Give the bytes their name, in place of any bytes that had it."""
        with self._turn:
            self._path.rename(path)
            self._opened.close()

    def abandon(self) -> None:
        """Leave nothing behind; once the bytes have their name, nothing happens."""
        with self._turn:
            self._abandoned = True
            if self._file is not None:
                self._file.close()
                self._path.unlink(missing_ok=True)

    @property
    def _opened(self) -> FileIO:
        if self._file is None:
            raise ValueError("the upload has not been started")
        return self._file


def remove_abandoned(folder: Path) -> None:
    """Remove the uploads whose process ended before they were whole."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError, BlockingIOError), path.open("rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
