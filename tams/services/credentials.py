"""The credentials file: users, clients and tokens, each with what it may do.

JSON with three objects, `users`, `clients` and `tokens`, from a name to `scopes` and `hash`; a
token may have `expires`. The file holds hashes alone.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import AfterValidator, AwareDatetime, ConfigDict, TypeAdapter, ValidationError

from tams.domain.access import Principal, Scopes
from tams.errors import BadSettings, Invalid
from tams.services.passwords import HashedPassword
from tams.storage.folders import locked, make_durably, sync_folder

Kind = Literal["users", "clients", "tokens"]

_TOKEN_BYTES = 32
_STRICT = ConfigDict(extra="forbid")


def _named(name: str) -> str:
    if not 0 < len(name) <= 200 or not name.isprintable() or ":" in name:
        raise ValueError("a name is printable, of 1 to 200 characters, without a colon")
    return name


def _hash(text: str) -> str:
    HashedPassword.parse(text)
    return text


@dataclass(frozen=True, slots=True)
class Account:
    """What a user or client may do, and the hash of their password."""

    __pydantic_config__: ClassVar = _STRICT

    scopes: Scopes
    hash: Annotated[str, AfterValidator(_hash)]


@dataclass(frozen=True, slots=True)
class KeptToken:
    """What the bearer of a token may do, and until when; the hash is `token_hash`'s."""

    __pydantic_config__: ClassVar = _STRICT

    scopes: Scopes
    hash: str
    expires: AwareDatetime | None = None


_Name = Annotated[str, AfterValidator(_named)]


@dataclass(frozen=True, slots=True)
class Credentials:
    """All that the file holds, by name."""

    __pydantic_config__: ClassVar = _STRICT

    users: Mapping[_Name, Account] = field(default_factory=dict)
    clients: Mapping[_Name, Account] = field(default_factory=dict)
    tokens: Mapping[_Name, KeptToken] = field(default_factory=dict)

    def of_kind(self, kind: Kind) -> Mapping[str, Account | KeptToken]:
        """What there is of one kind."""
        found: Mapping[str, Account | KeptToken] = getattr(self, kind)
        return found

    def added(self, kind: Kind, name: str, account: Account | KeptToken) -> Credentials:
        """The same with one more; raises `Invalid` if the name is taken or cannot be one."""
        try:
            _named(name)
        except ValueError as error:
            raise Invalid("name", name, str(error)) from None
        if name in self.of_kind(kind):
            raise Invalid("name", name, f"it must be none of the {kind} that there are")
        changed: dict[str, Any] = {kind: {**self.of_kind(kind), name: account}}
        return replace(self, **changed)

    def removed(self, kind: Kind, name: str) -> Credentials:
        """The same without one; raises `Invalid` if it is not there."""
        kept = dict(self.of_kind(kind))
        if kept.pop(name, None) is None:
            raise Invalid("name", name, f"it must be one of the {kind} that there are")
        changed: dict[str, Any] = {kind: kept}
        return replace(self, **changed)


_FILE = TypeAdapter(Credentials)


def new_secret() -> str:
    """A secret that nobody guesses, of 43 characters that every URL and header can hold."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def token_hash(token: str) -> str:
    """How a token is kept: it is too long to be guessed, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def read_credentials(path: Path) -> Credentials:
    """Read the file; raises `BadSettings` that says what is wrong with it."""
    try:
        return _FILE.validate_json(path.read_bytes())
    except OSError as error:
        raise BadSettings(f"TAMS_CREDENTIALS: cannot read {path}: {error.strerror}") from error
    except ValidationError as refusal:
        first = refusal.errors()[0]
        where = ".".join(map(str, first["loc"]))
        said = f"{where}: {first['msg']}" if where else first["msg"]
        raise BadSettings(f"TAMS_CREDENTIALS: {path}: {said}") from None


def change_credentials(path: Path, change: Callable[[Credentials], Credentials]) -> None:
    """Change the file, or make it, for its owner's eyes alone; other changes wait their turn.

    Whoever reads it finds the old content or the new. Raises `BadSettings` and what `change` does.
    """
    try:
        make_durably(path.parent)
        with locked(path.with_name(f".{path.name}.lock")):
            old = read_credentials(path) if path.exists() else Credentials()
            _replace(path, _FILE.dump_json(change(old), indent=2) + b"\n")
    except OSError as error:
        raise BadSettings(f"TAMS_CREDENTIALS: cannot write {path}: {error.strerror}") from error


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    sync_folder(path.parent)


class Version(NamedTuple):
    """What changes when the file does."""

    inode: int
    size: int
    modified: int


class CredentialsFile:
    """What the file says now: it is read again whenever it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version = Version(0, 0, 0)
        self._read = Credentials()
        self._by_token: dict[str, tuple[str, KeptToken]] = {}

    def refresh(self) -> bool:
        """Whether the file has changed and was read anew; raises `BadSettings` if it cannot be."""
        try:
            found = self._path.stat()
        except OSError as error:
            message = f"TAMS_CREDENTIALS: cannot read {self._path}: {error.strerror}"
            raise BadSettings(message) from error
        version = Version(found.st_ino, found.st_size, found.st_mtime_ns)
        if version == self._version:
            return False
        self._read = read_credentials(self._path)
        self._by_token = {one.hash: (name, one) for name, one in self._read.tokens.items()}
        self._version = version
        return True

    @property
    def content(self) -> Credentials:
        """What was read last."""
        return self._read

    def by_token(self, token: str) -> tuple[Principal, datetime | None] | None:
        """Whose token it is and when it expires, if it is one of the file's."""
        found = self._by_token.get(token_hash(token))
        return None if found is None else (Principal(found[0], found[1].scopes), found[1].expires)
