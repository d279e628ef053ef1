"""Bytes in a container of Azure Blob Storage."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Mapping

from obstore.store import AzureStore, ObjectStore

from tams.domain.clock import Clock
from tams.domain.storage import PutUrl, Reading, StorageBackend
from tams.errors import BadSettings
from tams.storage.places import AzurePlace
from tams.storage.remote import PATIENCE, Patience, RemoteStorage
from tams.storage.sas import READ, WRITE, BlobUrls

_KEY_BYTES = 64


class AzureStorage(RemoteStorage):
    """Blobs in a container; clients reach them by URLs that are signed here with the account's key.

    `key` is in base64; `url_timeout` and `url_window` are in seconds, as in `BlobUrls`. Raises
    `BadSettings` if it is no key.
    """

    def __init__(
        self,
        backend: StorageBackend,
        place: AzurePlace,
        key: str,
        clock: Clock,
        *,
        url_timeout: int,
        url_window: int,
        patience: Patience = PATIENCE,
    ) -> None:
        self.place = place
        self._key = key
        self._urls = BlobUrls(
            place.public,
            place.prefix,
            _decoded(key),
            clock,
            timeout=url_timeout,
            window=url_window,
        )
        super().__init__(backend, str(place), patience)

    def store(self, *, moving: bool) -> ObjectStore:
        """See `RemoteStorage`."""
        container = self.place.container
        return AzureStore(
            container.name,
            prefix=self.place.prefix or None,
            account_name=container.account,
            account_key=self._key,
            endpoint=container.endpoint,
            client_options=self.patience.client(moving=moving),
            retry_config=self.patience.retries(moving=moving),
        )

    def sign_gets(self, base_url: str) -> Callable[[str], str]:
        """See `Storage`; a URL takes about 4 µs."""
        del base_url
        return self._urls.signer(READ)

    def sign_put(self, base_url: str, key: str, content_type: str) -> PutUrl:
        """See `Storage`; whoever uses it must say what kind of blob it is to be."""
        del base_url
        url = self._urls.signer(WRITE)(key)
        return PutUrl(url, content_type, presigned=True, headers={"x-ms-blob-type": "BlockBlob"})

    def sign_for(self, base_url: str, key: str, method: Reading, seconds: int) -> str:
        """See `Storage`; the same URL for both methods."""
        del base_url, method
        return self._urls.signer(READ, seconds)(key)


def account_key(environment: Mapping[str, str] = os.environ) -> str:
    """The key of the account, where Azure's own tools look for it; raises `BadSettings`."""
    key = environment.get("AZURE_STORAGE_KEY")
    for part in environment.get("AZURE_STORAGE_CONNECTION_STRING", "").split(";"):
        name, _, value = part.partition("=")
        if name == "AccountKey":
            key = key or value
    if not key:
        raise BadSettings(
            "TAMS_STORAGE: az:// needs the key of its account: set AZURE_STORAGE_KEY or "
            "AZURE_STORAGE_CONNECTION_STRING"
        )
    return key


def _decoded(key: str) -> bytes:
    try:
        decoded = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not 0 < len(decoded) <= _KEY_BYTES:
        raise BadSettings("AZURE_STORAGE_KEY: it must be the key of an account, in base64")
    return decoded
