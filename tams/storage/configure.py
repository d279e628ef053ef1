"""From TAMS_STORAGE to the Storage Backends of a deployment.

TAMS_STORAGE is one URL, or the path of a TOML file with `[[backend]]` tables or of a JSON file with
the same, as a list or under `backend`. Without it there is one folder below the data directory.
"""

from __future__ import annotations

import json
import tomllib
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, field_validator

from tams.domain.clock import Clock
from tams.domain.patterns import UUID
from tams.domain.storage import StorageBackend
from tams.errors import BadSettings
from tams.storage.local import LocalStorage
from tams.storage.secret import load_secret
from tams.storage.signing import MediaUrls
from tams.storage.storages import Storages

_PUBLIC_URL = r"^https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~%+@:,=-]+)*/?$"
_DATA_FOLDER_ID = str(uuid.uuid5(uuid.NAMESPACE_URL, "tams-server:data-folder/media"))
"""Not derived from its path, so that the data folder can be moved."""

LOCAL = "local"

Text = Annotated[str, StringConstraints(min_length=1)]


class BackendSettings(BaseModel):
    """One backend as it is set; `default` left out is true for an only backend."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    url: Text
    id: Annotated[str, StringConstraints(pattern=f"^{UUID.pattern}$")] = ""
    label: Text | None = None
    default: bool | None = None
    provider: Text = LOCAL
    region: Text | None = None
    availability_zone: Text | None = None
    store_product: Text = "tams-local"
    tags: dict[Text, str | list[str]] = {}
    public_url: Annotated[str, StringConstraints(pattern=_PUBLIC_URL)] | None = None

    @field_validator("url")
    @classmethod
    def _is_a_folder(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "file":
            raise ValueError(f"{parts.scheme or 'no'} scheme: only file:///folder is supported")
        if parts.netloc or parts.query or parts.fragment or len(parts.path.strip("/")) == 0:
            raise ValueError("it must be file:/// and the absolute path of a folder")
        return url

    @property
    def folder(self) -> Path:
        """Where the bytes lie."""
        return Path(unquote(urlsplit(self.url).path))

    @property
    def backend_id(self) -> str:
        """The id that is set, else one derived from the folder."""
        return self.id or str(uuid.uuid5(uuid.NAMESPACE_URL, self.folder.as_uri()))

    def backend(self, *, default: bool) -> StorageBackend:
        """The backend as clients see it."""
        return StorageBackend(
            id=self.backend_id,
            label=self.label,
            default_storage=default,
            provider=self.provider,
            store_product=self.store_product,
            region=self.region,
            availability_zone=self.availability_zone,
            tags={
                name: tag if isinstance(tag, str) else tuple(tag) for name, tag in self.tags.items()
            },
            public_url=self.public_url and self.public_url.rstrip("/"),
        )


def build_storages(
    setting: str, data_dir: Path, clock: Clock, *, url_timeout: int, url_window: int
) -> Storages:
    """The Storages of a deployment, not opened yet; `setting` is TAMS_STORAGE, empty if unset.

    The key of its URLs is `media.secret` in the data folder; timeout and window are in seconds.
    Raises `BadSettings`, which names the backend and the field.
    """
    backends = read_backends(setting, data_dir)
    secret = load_secret(data_dir / "media.secret")
    urls = MediaUrls(secret, clock, timeout=url_timeout, window=url_window)
    only = len(backends) == 1
    return Storages(
        LocalStorage(
            settings.backend(default=only if settings.default is None else settings.default),
            settings.folder,
            urls,
        )
        for settings in backends
    )


def read_backends(setting: str, data_dir: Path) -> Sequence[BackendSettings]:
    """The backends that are set, valid each and together; raises `BadSettings`."""
    if not setting:
        url = (data_dir.absolute() / "media").as_uri()
        return [BackendSettings(url=url, id=_DATA_FOLDER_ID, label=LOCAL)]
    if "://" in setting:
        return [_parse("TAMS_STORAGE", {"url": setting, "label": LOCAL})]
    tables = _tables(Path(setting))
    backends = [
        _parse(f"{setting}: backend {number} ({_name(table)})", table)
        for number, table in enumerate(tables, 1)
    ]
    _check_together(setting, backends)
    return backends


def _tables(path: Path) -> Sequence[Any]:
    try:
        text = path.read_text()
        content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise BadSettings(f"TAMS_STORAGE {path}: {error.strerror}") from error
    except ValueError as error:
        raise BadSettings(f"TAMS_STORAGE {path}: {error}") from error
    if isinstance(content, dict) and set(content) == {"backend"}:
        content = content["backend"]
    if not isinstance(content, list) or not content:
        raise BadSettings(f"TAMS_STORAGE {path}: it must hold [[backend]] tables and nothing else")
    return content


def _parse(place: str, table: object) -> BackendSettings:
    try:
        return BackendSettings.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "backend"
        rule = first["msg"].removeprefix("Value error, ")
        raise BadSettings(f"{place}: {field}: {rule}, not {first['input']!r}") from None


def _name(table: object) -> str:
    return str(table.get("label") or table.get("url")) if isinstance(table, dict) else "no table"


def _check_together(source: str, backends: Sequence[BackendSettings]) -> None:
    """Raise `BadSettings` unless backends can be told apart, as can their folders."""
    seen: list[BackendSettings] = []
    for number, new in enumerate(backends, 1):
        for old in seen:
            if clash := _clash(old, new):
                raise BadSettings(f"{source}: backend {number} ({new.label or new.url}): {clash}")
        seen.append(new)


def _clash(old: BackendSettings, new: BackendSettings) -> str | None:
    first, second = old.folder.resolve(), new.folder.resolve()
    if first.is_relative_to(second) or second.is_relative_to(first):
        return f"url: its folder must lie outside that of {old.label or old.url}"
    if new.backend_id == old.backend_id:
        return f"id: {new.backend_id} is the id of another backend"
    if new.label is not None and new.label == old.label:
        return f"label: {new.label} is the label of another backend"
    if new.default and old.default:
        return f"default: {old.label or old.url} is the default already"
    return None
