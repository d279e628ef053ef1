"""The URLs of one answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tams.domain.storage import StorageBackend, UrlFilter
from tams.storage.base import Storage


class UrlSigner:
    """A `Signer` for one answer: what is wanted is decided here, once, and not for each URL.

    `base_url` is where the caller reached this server, without a slash at its end.
    """

    def __init__(
        self,
        storages: Mapping[str, Storage],
        wanted: UrlFilter,
        base_url: str,
        most_urls: int = 0,
    ) -> None:
        accepted = {
            storage_id: storage
            for storage_id, storage in storages.items()
            if wanted.accepts_backend(storage.backend)
        }
        signed = accepted if wanted.presigned is not False else {}
        plain = accepted if wanted.presigned is not True else {}
        self.most_urls = most_urls
        self._wanted = wanted
        self._base_url = base_url
        self._signed = signed
        self._backends = {key: storage.backend for key, storage in signed.items()}
        self._public_backends = {
            key: storage.backend for key, storage in plain.items() if storage.backend.public_url
        }

    @property
    def backends(self) -> Mapping[str, StorageBackend]:
        """By id, those whose presigned URLs may be shown."""
        return self._backends

    @property
    def public_backends(self) -> Mapping[str, StorageBackend]:
        """By id, those whose plain URLs, `{public_url}/{key}`, may be shown after them."""
        return self._public_backends

    def shows_label(self, label: str | None) -> bool:
        """Whether an uncontrolled instance with this label may be shown."""
        return self._wanted.accepts_label(label)

    def sign_gets(self, storage_id: str) -> Callable[[str], str]:
        """A function from a key in one of `backends` to a presigned URL that reads its bytes."""
        return self._signed[storage_id].sign_gets(self._base_url)
