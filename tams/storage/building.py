"""From a place to what moves bytes there; what a kind needs is loaded once there is one of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tams.domain.clock import Clock
from tams.domain.storage import StorageBackend
from tams.errors import BadSettings
from tams.storage.base import Storage
from tams.storage.local import LocalStorage
from tams.storage.places import AzurePlace, Folder, Place, S3Place
from tams.storage.secret import load_secret
from tams.storage.signing import GRACE_S, MediaUrls
from tams.storage.sigv4 import LONGEST_S, Credentials


@dataclass(frozen=True)
class Builder:
    """Builds storages whose URLs live for `timeout` seconds, and repeat within `window` seconds.

    `s3_keys` are for S3 places without a profile; None: what AWS's own tools would find.
    """

    data_dir: Path
    clock: Clock
    timeout: int
    window: int
    s3_keys: Credentials | None = None

    def build(self, place: Place, backend: StorageBackend) -> Storage:
        """What moves bytes there, not opened yet; raises `BadSettings`."""
        if isinstance(place, Folder):
            return LocalStorage(backend, place.path, self._media_urls)
        try:
            if isinstance(place, S3Place):
                return self._s3(place, backend)
            if isinstance(place, AzurePlace):
                return self._azure(place, backend)
        except ModuleNotFoundError as missing:
            extra = "s3" if isinstance(place, S3Place) else "azure"
            raise BadSettings(
                f"TAMS_STORAGE: {place} needs {missing.name}: pip install 'tams-server[{extra}]'"
            ) from None
        raise TypeError(place)

    @cached_property
    def _media_urls(self) -> MediaUrls:
        """URLs of bytes that this server serves itself, by the key `media.secret`."""
        secret = load_secret(self.data_dir / "media.secret")
        return MediaUrls(secret, self.clock, timeout=self.timeout, window=self.window)

    def _s3(self, place: S3Place, backend: StorageBackend) -> Storage:
        if self.timeout + self.window + GRACE_S > LONGEST_S:
            raise BadSettings(
                "TAMS_MIN_PRESIGNED_URL_TIMEOUT, TAMS_URL_WINDOW: with a minute more they must not "
                f"exceed the {LONGEST_S} seconds for which S3 takes a URL"
            )
        import botocore  # noqa: F401 - loaded on first need; missing, it is missed at the start

        from tams.storage.s3 import S3Storage

        return S3Storage(
            backend,
            place,
            self.clock,
            url_timeout=self.timeout,
            url_window=self.window,
            keys=self.s3_keys,
        )

    def _azure(self, place: AzurePlace, backend: StorageBackend) -> Storage:
        from tams.storage.azure import AzureStorage, account_key

        return AzureStorage(
            backend,
            place,
            account_key(),
            self.clock,
            url_timeout=self.timeout,
            url_window=self.window,
        )
