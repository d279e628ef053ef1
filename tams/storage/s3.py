"""Bytes in a bucket of an S3 service: AWS, MinIO, Ceph, VAST and others that speak its protocol."""

from __future__ import annotations

from collections.abc import Callable

from obstore.store import ObjectStore, S3Store

from tams.domain.clock import Clock
from tams.domain.storage import PutUrl, Reading, StorageBackend
from tams.errors import BadSettings, NotFound
from tams.storage.base import Beat, Storage
from tams.storage.credentials import AwsCredentials
from tams.storage.places import S3Place
from tams.storage.remote import PATIENCE, Patience, RemoteStorage
from tams.storage.s3_copies import LARGEST, Original, S3Copies
from tams.storage.sigv4 import S3Urls


class S3Storage(RemoteStorage):
    """Objects in a bucket; clients reach them by URLs that only say the host and are signed here.

    `url_timeout` and `url_window` are in seconds, as in `S3Urls`; the service itself copies what is
    larger than `largest_copy` bytes in parts.
    """

    def __init__(
        self,
        backend: StorageBackend,
        place: S3Place,
        clock: Clock,
        *,
        url_timeout: int,
        url_window: int,
        patience: Patience = PATIENCE,
        largest_copy: int = LARGEST,
    ) -> None:
        self.place = place
        self._credentials = AwsCredentials(place.profile, url_lifetime=url_timeout)
        self._urls = S3Urls(
            place.public,
            place.prefix,
            self._credentials.current,
            clock,
            timeout=url_timeout,
            window=url_window,
        )
        super().__init__(backend, str(place), patience)
        self._copies = S3Copies(place, self.name, largest=largest_copy)

    def store(self, *, moving: bool) -> ObjectStore:
        """See `RemoteStorage`."""
        bucket = self.place.bucket
        return S3Store(
            bucket.name,
            prefix=self.place.prefix or None,
            endpoint=bucket.url if bucket.virtual else bucket.endpoint,
            region=bucket.region,
            virtual_hosted_style_request=bucket.virtual,
            disable_bulk_delete=not moving,
            client_options=self.patience.client(moving=moving),
            retry_config=self.patience.retries(moving=moving),
            credential_provider=self._credentials.provide,
        )

    async def open(self) -> None:
        """See `RemoteStorage`."""
        try:
            await self._credentials.open()
        except BadSettings as failure:
            raise BadSettings(f"{self.name}: {failure}") from None
        await super().open()

    async def close(self) -> None:
        """See `Storage`."""
        self._copies.close()
        await self._credentials.close()

    def sign_gets(self, base_url: str) -> Callable[[str], str]:
        """See `Storage`; a URL takes about 3 µs."""
        del base_url
        return self._urls.getter()

    def sign_put(self, base_url: str, key: str, content_type: str) -> PutUrl:
        """See `Storage`; any content type and checksum may be sent, and S3 verifies these."""
        del base_url
        return PutUrl(self._urls.putter()(key), content_type, presigned=True)

    def sign_for(self, base_url: str, key: str, method: Reading, seconds: int) -> str:
        """See `Storage`; it ends with its credentials if these end before."""
        del base_url
        return self._urls.once(method, key, seconds)

    async def copy_within(
        self, source: Storage, source_key: str, key: str, content_type: str, beat: Beat
    ) -> bool:
        """See `Storage`; between places at the same endpoint, if these credentials may."""
        if not (isinstance(source, S3Storage) and source.place.is_at_one_with(self.place)):
            return False
        found = await source.head(source_key)
        if found is None:
            raise NotFound("Object with bytes at", source_key)
        original = Original(place=source.place, key=source_key, size=found.size, etag=found.etag)
        return await self._copies.copy(original, key, content_type, beat)
