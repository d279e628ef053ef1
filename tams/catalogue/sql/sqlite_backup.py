"""Copies of the one file of SQLite, out while it is in use, and back in when nobody uses it."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import apsw

from tams.catalogue.sql.migrations import VERSION, refuse_newer
from tams.catalogue.sql.sqlite_connection import connect
from tams.domain.progress import Tell
from tams.errors import BadSettings, Invalid

_PAGES = 1000
"""How many pages are copied in one step."""

# Where SQLite takes its locks on a file, all of them: whoever has it open shares some of these.
_LOCKS_AT, _LOCKS = 0x40000000, 512


def backup(path: Path, target: Path, *, force: bool, tell: Tell) -> None:
    """Write a copy of the catalogue as it is when the copying begins; others go on writing.

    The copy is whole, checked and durable when it gets its name, and readable by its owner alone.
    Raises `Invalid` if there is a file of that name, unless `force`, and `BadSettings`.
    """
    if not path.is_file():
        raise BadSettings(f"TAMS_CATALOGUE: there is no catalogue at {path}")
    if target.exists() and (target.samefile(path) or not force):
        raise Invalid("FILE", str(target), "it must not be there yet; --force replaces a backup")
    with _draft(target) as draft:
        with _told("TAMS_CATALOGUE", path):
            _copy(path, draft, tell)
        _examine(draft, path)
        _publish(draft, target, force=force)


def restore(path: Path, source: Path, now: datetime, *, tell: Tell) -> Path | None:
    """Put a backup in the place of the catalogue, and return where the old one is kept, if any.

    The backup is copied and checked first. Raises `Invalid` if it is damaged or no backup,
    `BadSettings` if a newer program made it, or if anybody has the catalogue open. Whenever it is
    broken off, the whole old catalogue has its name, or the whole backup.
    """
    if not source.is_file() or _beside(source, "-wal").exists():
        raise Invalid("FILE", str(source), "it must be a file that `tams admin backup` has written")
    path.parent.mkdir(parents=True, exist_ok=True)
    with _draft(path) as draft:
        tell("bytes", source.stat().st_size)
        shutil.copyfile(source, draft)
        _examine(draft, source)
        if not path.exists():
            _publish(draft, path, force=False)
            return None
        _take_over(path, draft)
        _sync(draft)
        _fold(path)
        with _held(path):
            return _exchange(path, draft, now)


def _copy(path: Path, draft: Path, tell: Tell) -> None:
    with closing(connect(str(path), query_only=True)) as source:
        # A transaction from beginning to end: else each change by another begins the copy anew.
        source.execute("BEGIN")
        source.execute(VERSION).fetchall()
        with closing(apsw.Connection(str(draft))) as destination:
            destination.pragma("synchronous", "off")  # nothing is lost with a draft
            with destination.backup("main", source, "main") as copying:
                while not copying.done:
                    copying.step(_PAGES)
                    tell("pages", copying.page_count - copying.remaining)
            destination.pragma("journal_mode", "delete")  # one file, and no log beside it
        source.execute("ROLLBACK")


def _examine(draft: Path, original: Path) -> None:
    """Read all of a copy; raise `Invalid` if it is not whole or no catalogue of ours."""
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with (
        _told("FILE", original),
        closing(apsw.Connection(f"file:{quote(str(draft))}?immutable=1", flags)) as database,
    ):
        verdict = database.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != ("ok",):
            raise Invalid("FILE", str(original), f"it must be whole: {verdict}")
        refuse_newer(str(database.execute(VERSION).get))


def _publish(draft: Path, target: Path, *, force: bool) -> None:
    """Give a whole draft its name, durably."""
    _sync(draft)
    try:
        if force:
            draft.replace(target)
        else:
            target.hardlink_to(draft)  # fails if there is one by now
    except FileExistsError:
        raise Invalid("FILE", str(target), "it must not be there yet") from None
    _sync(target.parent)


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Keep every other process out, as SQLite would; raise `BadSettings` if one is in already."""
    file = os.open(path, os.O_RDWR)
    try:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCKS, _LOCKS_AT)
        except (BlockingIOError, PermissionError):
            raise BadSettings(
                f"TAMS_CATALOGUE: {path} is in use; stop every server and worker first"
            ) from None
        yield
    finally:
        os.close(file)


def _fold(path: Path) -> None:
    """Bring the log of a catalogue into its file, which is then whole without it.

    If SQLite cannot read them both stay as they are, and if another has them open this is seen
    when they are to be held.
    """
    if path.stat().st_size == 0:
        return  # SQLite would remove the log
    with suppress(apsw.Error):
        # Only who may not write leaves a log alone that does not fit.
        with closing(apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)) as database:
            database.execute(VERSION).fetchall()
        with closing(apsw.Connection(str(path), apsw.SQLITE_OPEN_READWRITE)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _exchange(path: Path, draft: Path, now: datetime) -> Path:
    """Keep the old catalogue, with its log if it could not be folded, and put the draft there."""
    aside = path.with_name(f"{path.name}.{now:%Y%m%dT%H%M%S}")
    log = _beside(path, "-wal")
    aside.hardlink_to(path)
    if log.exists():
        _beside(aside, "-wal").hardlink_to(log)
        _sync(path.parent)
        log.unlink()
    _beside(path, "-shm").unlink(missing_ok=True)
    # Not even after a power cut may a log be beside the new file, which would take it for its own.
    _sync(path.parent)
    draft.replace(path)
    _sync(path.parent)
    return aside


def _take_over(path: Path, draft: Path) -> None:
    """Give the draft the owner and the rights of the file whose place it takes."""
    old = path.stat()
    draft.chmod(old.st_mode & 0o777)
    with suppress(PermissionError):
        os.chown(draft, old.st_uid, old.st_gid)


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """An empty file beside the target that is gone afterwards, unless it got that name."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise Invalid("FILE", str(target), f"it must be writable: {error.strerror}") from error
    try:
        yield draft
    finally:
        for file in (draft, _beside(draft, "-journal")):
            file.unlink(missing_ok=True)


@contextmanager
def _told(field: str, path: Path) -> Iterator[None]:
    """Say in one line what SQLite does not like."""
    try:
        yield
    except apsw.FullError as error:
        raise Invalid(field, str(path), "there must be room for a copy") from error
    except apsw.Error as error:
        raise Invalid(field, str(path), f"it must be a whole catalogue: {error}") from error


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _sync(path: Path) -> None:
    """Make a file, or the entries of a folder, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
