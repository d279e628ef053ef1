"""Storage Backends and the URLs of what lies in them (TAMS 8.2 `storage-backend`, ADR 0032)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from tams.domain.objects import check_object_id
from tams.domain.tags import TagFilter, Tags
from tams.errors import Invalid

Reading = Literal["GET", "HEAD"]
"""The methods that read bytes; an object store's presigned URL is good for one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageBackend:
    """A Storage Backend as clients see it; set at deployment, read-only over the API."""

    id: str
    label: str | None = None
    default_storage: bool = False
    store_type: str = "http_object_store"
    provider: str
    store_product: str
    region: str | None = None
    availability_zone: str | None = None
    tags: Tags = field(default_factory=dict)
    public_url: str | None = None
    """What stands before `/{key}` in the plain URLs that it also offers; not shown as such."""


@dataclass(frozen=True, slots=True)
class PutUrl:
    """The request with which an Object's bytes are written."""

    url: str
    content_type: str
    presigned: bool
    headers: dict[str, str] = field(default_factory=dict)


class MediaUrl(NamedTuple):
    """A signed URL of bytes that this server serves itself, taken apart; nothing is checked yet."""

    storage_id: str
    key: str
    expires: str
    signature: str
    content_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageRequest:
    """What a client asks of an allocation (`flow-storage-post`); None leaves it to the server.

    Either some number of Objects, `limit`, or Objects with these ids.
    """

    limit: int | None = None
    object_ids: tuple[str, ...] | None = None
    storage_id: str | None = None
    content_type: str | None = None
    presigned: bool | None = None

    def __post_init__(self) -> None:
        ids = self.object_ids
        if ids is not None and self.limit is not None:
            raise Invalid("limit", self.limit, "it must be left out where object_ids are given")
        if self.limit is not None and self.limit < 1:
            raise Invalid("limit", self.limit, "it must be 1 or more")
        if ids is not None and not ids:
            raise Invalid("object_ids", list(ids), "it must hold at least one id")
        if ids is not None and len(set(ids)) < len(ids):
            twice = next(object_id for object_id in ids if ids.count(object_id) > 1)
            raise Invalid("object_ids", twice, "each id may be given once")
        for object_id in ids or ():
            check_object_id("object_ids", object_id)


class Allocation(NamedTuple):
    """A new Object, and how its bytes are written."""

    object_id: str
    put_url: PutUrl


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlFilter:
    """Which `get_urls` are wanted; an entry must pass all conditions (statements 145 to 149)."""

    labels: frozenset[str] | None = None
    storage_ids: frozenset[str] | None = None
    presigned: bool | None = None
    backend_tags: TagFilter = field(default_factory=TagFilter)

    @property
    def is_none(self) -> bool:
        """Whether no entry at all can pass."""
        return self.labels is not None and not self.labels

    def accepts_backend(self, backend: StorageBackend) -> bool:
        """Whether controlled instances in this backend may be shown."""
        return (
            (self.labels is None or backend.label in self.labels)
            and (self.storage_ids is None or backend.id in self.storage_ids)
            and self.backend_tags.accepts(backend.tags)
        )

    def accepts_label(self, label: str | None) -> bool:
        """Whether an uncontrolled instance with this label may be shown."""
        return (
            (self.labels is None or label in self.labels)
            and self.storage_ids is None
            and self.presigned is not True
            and self.backend_tags.accepts({})
        )


class Signer(Protocol):
    """Turns the places of an Object into URLs, narrowed to what the caller wants and may see."""

    @property
    def backends(self) -> Mapping[str, StorageBackend]:
        """By id, those whose presigned URLs may be shown."""
        ...

    @property
    def public_backends(self) -> Mapping[str, StorageBackend]:
        """By id, those whose plain URLs, `{public_url}/{key}`, may be shown after them."""
        ...

    def shows_label(self, label: str | None) -> bool:
        """Whether an uncontrolled instance with this label may be shown."""
        ...

    def sign_gets(self, storage_id: str) -> Callable[[str], str]:
        """A function from a key in one of `backends` to a presigned URL that reads its bytes.

        The URLs are ASCII, with nothing that JSON would escape.
        """
        ...


Signers = Callable[[UrlFilter, str], Signer]
"""Makes the Signer of one answer, from what is wanted and where the caller reached this server."""
