"""Objects as files below a root folder: `{root}/{key}` holds the bytes just as they were sent.

What else is known of them, their facts, lies beside them in `.{name}.{time of modification, ns}`:
bytes belong to the facts of their own time. A second upload brings facts of its own, synced before
its bytes appear, and the first facts go after the first bytes are gone for good; at no moment,
crash or not, do bytes meet the facts of others. Bytes that were put there without facts are served
too. No key begins a name with a dot, so neither facts nor unfinished uploads can be reached.

Nothing here is asynchronous; `LocalStorage` calls it in threads.
"""

from __future__ import annotations

import base64
import errno
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from io import FileIO
from pathlib import Path

from tams.errors import Invalid
from tams.storage.base import StoredObject
from tams.storage.checksums import MD5
from tams.storage.facts import Facts, facts_path, moment, read_facts, write_facts
from tams.storage.folders import Folders, locked, sync_folder
from tams.storage.keys import is_key
from tams.storage.upload import Upload, remove_abandoned
from tams.storage.walk import Walk

_UNKNOWN_TYPE = "application/octet-stream"
_NO_WAIT: int | None = getattr(os, "RWF_NOWAIT", None)


class OpenObject:
    """Bytes that stay as they were when opened, whatever happens to their key."""

    def __init__(self, file: FileIO, stored: StoredObject) -> None:
        self.file = file
        self.stored = stored

    def read(self, start: int, size: int) -> bytes:
        """At most `size` bytes from `start`; none at the end."""
        return os.pread(self.file.fileno(), size, start)

    def read_now(self, start: int, size: int) -> bytearray | None:
        """Just `size` bytes from `start`, without waiting for a disk; None if that cannot be."""
        if _NO_WAIT is None:
            return None
        content = bytearray(size)
        try:
            read = os.preadv(self.file.fileno(), [content], start, _NO_WAIT)
        except OSError:  # they are not in memory, or the file system does not tell
            return None
        return content if read == size else None

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()


class ObjectFiles:
    """The files below one root; its methods raise `OSError` where the file system fails.

    `uploads` is the folder of unfinished ones, by which a root is known that has been prepared.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.uploads = root / ".uploads"
        self._lock = root / ".lock"
        self._folders = Folders(root)

    def prepare(self) -> None:
        """Make the folders, remove what unfinished uploads left, and try to write."""
        self._folders.make(self.uploads)
        remove_abandoned(self.uploads)
        self.probe()

    def is_new(self) -> bool:
        """Whether nobody has prepared the root yet, or what was mounted there is away."""
        return not self.uploads.is_dir()

    def ensure_there(self) -> None:
        """Raise `OSError` where the root is away, so that nothing is known of any key."""
        if self.is_new():
            raise FileNotFoundError(errno.ENOENT, "its folder is away")

    def probe(self) -> None:
        """Return if a file can be written."""
        upload = self.upload({})
        try:
            upload.start()
            upload.write(b"probe")
        finally:
            upload.abandon()

    def upload(self, expected: Mapping[str, str]) -> Upload:
        """An upload of bytes with these checksums; raises `Invalid` if one is malformed."""
        return Upload(self.uploads, expected)

    def publish(self, upload: Upload, key: str, content_type: str) -> StoredObject:
        """Put the bytes of a whole upload at their key, durably.

        Raises `Invalid` if they are not what the uploader said.
        """
        path = self._path(key)
        facts = {
            "content_type": content_type,
            "checksums": upload.verified(),
            "size": upload.size,
        }
        self._folders.make(path.parent)
        modified = upload.sync()
        beside = facts_path(path, modified)
        write_facts(beside, facts)
        try:
            with locked(self._lock):
                before = _modified(path)
                upload.move(path)
        except BaseException:
            beside.unlink()
            raise
        sync_folder(path.parent)
        if before is not None:
            facts_path(path, before).unlink(missing_ok=True)
        return _stored(upload.size, modified, facts)

    def open(self, key: str) -> OpenObject | None:
        """The bytes at a key; None if there are none, which only a root that is there can tell."""
        path = self._path(key)
        while True:
            try:
                file = path.open("rb", buffering=0)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                self.ensure_there()
                return None
            status = os.fstat(file.fileno())
            facts = read_facts(facts_path(path, status.st_mtime_ns))
            if facts is not None or _modified(path) == status.st_mtime_ns:
                return OpenObject(file, _stored(status.st_size, status.st_mtime_ns, facts or {}))
            file.close()

    def walk(self, prefix: str) -> Walk:
        """The keys below a prefix, a page at a time."""
        return Walk(self._root, prefix)

    def remove(self, keys: Iterable[str]) -> Mapping[str, OSError]:
        """Remove the bytes at these keys, durably; no error where there are none.

        Returns those that could not be removed, and why.
        """
        keys = list(keys)
        try:
            self.ensure_there()
        except OSError as error:
            return dict.fromkeys(keys, error)
        failed: dict[str, OSError] = {}
        folders: dict[Path, list[str]] = defaultdict(list)
        for key in keys:
            path = self._path(key)
            try:
                self._unlink(path)
            except OSError as error:
                failed[key] = error
            else:
                folders[path.parent].append(key)
        for folder, within in folders.items():
            try:
                if folder.is_dir():
                    sync_folder(folder)
            except OSError as error:
                failed |= dict.fromkeys(within, error)
        return failed

    def _unlink(self, path: Path) -> None:
        """Remove bytes, then their facts, so that a killed process leaves those of one at most."""
        with locked(self._lock):
            before = _modified(path)
            if before is not None:
                path.unlink()
        if before is not None:
            facts_path(path, before).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        if not is_key(key):
            raise Invalid("key", key, "it must be a relative path of letters, digits and -_.")
        return self._root / key


def _modified(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return None


def _stored(size: int, modified: int, facts: Facts) -> StoredObject:
    checksums = facts.get("checksums", {})
    md5 = base64.b64decode(checksums.get(MD5, ""))
    return StoredObject(
        size=size,
        modified=moment(modified),
        content_type=facts.get("content_type", _UNKNOWN_TYPE),
        etag=f'"{md5.hex() or f"{modified:x}-{size:x}"}"',
        checksums=checksums,
        written=facts.get("size"),
    )
