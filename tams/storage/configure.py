"""From TAMS_STORAGE to the Storage Backends of a deployment.

TAMS_STORAGE is one URL, or the path of a TOML file with `[[backend]]` tables or of a JSON file with
the same, as a list or under `backend`. Without it there is one folder below the data directory.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, field_validator

from tams.domain.clock import Clock
from tams.domain.patterns import UUID
from tams.domain.storage import StorageBackend
from tams.errors import BadSettings
from tams.storage.building import Builder
from tams.storage.places import Place, parse_place
from tams.storage.sigv4 import Credentials
from tams.storage.storages import Storages
from tams.storage.tables import Table, read_tables

_PUBLIC_URL = r"^https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~%+@:,=-]+)*/?$"
_DATA_FOLDER_ID = str(uuid.uuid5(uuid.NAMESPACE_URL, "tams-server:data-folder/media"))
"""Not derived from its path, so that the data folder can be moved."""

LOCAL = "local"

_MAY_HOLD_SECRETS = ("backend", "url", "public_url")
"""Whatever stands there in error is not repeated, unless it is a number."""

Text = Annotated[str, StringConstraints(min_length=1)]


class BackendSettings(BaseModel):
    """One backend as it is set; `default` left out is true for an only backend."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    url: Text
    id: Annotated[str, StringConstraints(pattern=f"^{UUID.pattern}$")] = ""
    label: Text | None = None
    default: bool | None = None
    provider: Text | None = None
    region: Text | None = None
    availability_zone: Text | None = None
    store_product: Text | None = None
    tags: dict[Text, str | list[str]] = {}
    public_url: Annotated[str, StringConstraints(pattern=_PUBLIC_URL)] | None = None

    @field_validator("url")
    @classmethod
    def _names_a_place(cls, url: str) -> str:
        parse_place(url)
        return url

    @property
    def place(self) -> Place:
        """Where the bytes lie."""
        return parse_place(self.url)

    @property
    def backend_id(self) -> str:
        """The id that is set, else one derived from the place."""
        return self.id or str(uuid.uuid5(uuid.NAMESPACE_URL, self.place.uri))

    @property
    def shown(self) -> str:
        """What errors call it; a URL of an operator's is not repeated beyond its place."""
        return self.label or self.place.uri.partition("?")[0]

    def backend(self, *, default: bool) -> StorageBackend:
        """The backend as clients see it."""
        return StorageBackend(
            id=self.backend_id,
            label=self.label,
            default_storage=default,
            provider=self.provider or self.place.provider,
            store_product=self.store_product or self.place.store_product,
            region=self.region,
            availability_zone=self.availability_zone,
            tags={
                name: tag if isinstance(tag, str) else tuple(tag) for name, tag in self.tags.items()
            },
            public_url=self.public_url and self.public_url.rstrip("/"),
        )


def build_storages(
    setting: str,
    data_dir: Path,
    clock: Clock,
    *,
    url_timeout: int,
    url_window: int,
    default: str = "",
    s3_keys: Credentials | None = None,
    most_urls: int = 0,
) -> Storages:
    """The Storages of a deployment, not opened yet; `setting` is TAMS_STORAGE, empty if unset.

    The key of local URLs is `media.secret` in the data folder; timeout and window are in seconds.
    `default` is the id or label of the default backend, empty if the file says which; `s3_keys`
    are for S3 places without a profile. Raises `BadSettings`, which names the backend and the
    field.
    """
    backends = read_backends(setting, data_dir)
    builder = Builder(data_dir, clock, url_timeout, url_window, s3_keys)
    chosen = _chosen(backends, default)
    return Storages(
        (
            builder.build(settings.place, settings.backend(default=settings in chosen))
            for settings in backends
        ),
        most_urls=most_urls,
    )


def _chosen(backends: Sequence[BackendSettings], default: str) -> Sequence[BackendSettings]:
    """The default backend, if there is one."""
    if not default:
        only = len(backends) == 1
        return [one for one in backends if (only if one.default is None else one.default)]
    named = [one for one in backends if default in (one.backend_id, one.label)]
    if not named:
        known = ", ".join(one.label or one.backend_id for one in backends)
        raise BadSettings(f"TAMS_DEFAULT_STORAGE: it must be one of {known}, not {default}")
    return named[:1]


def read_backends(setting: str, data_dir: Path) -> Sequence[BackendSettings]:
    """The backends that are set, valid each and together; raises `BadSettings`."""
    if not setting:
        url = (data_dir.absolute() / "media").as_uri()
        return [BackendSettings(url=url, id=_DATA_FOLDER_ID, label=LOCAL)]
    if "://" in setting:
        scheme = setting.partition("://")[0]
        label = LOCAL if scheme == "file" else scheme
        return [_parse(Table("TAMS_STORAGE", {"url": setting, "label": label}))]
    tables = read_tables(Path(setting))
    backends = [_parse(table) for table in tables]
    _check_together(tables, backends)
    return backends


def _parse(table: Table) -> BackendSettings:
    try:
        return BackendSettings.model_validate(table.content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "backend"
        rule = first["msg"].removeprefix("Value error, ")
        given, kind = first["input"], first["type"]
        open_to_all = field not in _MAY_HOLD_SECRETS or isinstance(given, int)
        is_told = open_to_all and kind not in ("extra_forbidden", "missing") and given != ""
        told = f", not {given!r}" if is_told else ""
        raise BadSettings(f"{table.place}: {field}: {rule}{told}") from None


def _check_together(tables: Sequence[Table], backends: Sequence[BackendSettings]) -> None:
    """Raise `BadSettings` unless backends can be told apart, as can their places."""
    for number, new in enumerate(backends):
        for old in backends[:number]:
            if clash := _clash(old, new):
                raise BadSettings(f"{tables[number].place}: {clash}")


def _clash(old: BackendSettings, new: BackendSettings) -> str | None:
    if new.place.overlaps(old.place):
        return f"url: its place must lie outside that of {old.shown}"
    if new.backend_id == old.backend_id:
        return f"id: {new.backend_id} is the id of another backend"
    if new.label is not None and new.label == old.label:
        return f"label: {new.label} is the label of another backend"
    if new.default and old.default:
        return f"default: {old.shown} is the default already"
    return None
