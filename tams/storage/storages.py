"""The Storage Backends of one deployment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AsyncExitStack

from tams.domain.storage import Signer, UrlFilter
from tams.errors import StorageFailed
from tams.storage.base import Storage
from tams.storage.local import LocalStorage
from tams.storage.signer import UrlSigner


def in_use(storages: Mapping[str, Storage], storage_id: str | None) -> Storage:
    """The Storage of a backend where bytes lie; raises `StorageFailed` if it is not set up."""
    if storage_id is None or storage_id not in storages:
        raise StorageFailed(f"Storage Backend {storage_id} is not set up")
    return storages[storage_id]


class Storages(Mapping[str, Storage]):
    """Every Storage by the id of its backend, in the order of the settings.

    No more than `most_urls` are shown of an Object; 0: all.
    """

    def __init__(self, storages: Iterable[Storage], *, most_urls: int = 0) -> None:
        self._most_urls = most_urls
        self._by_id = {storage.backend.id: storage for storage in storages}
        self._opened = AsyncExitStack()

    def __getitem__(self, storage_id: str) -> Storage:
        return self._by_id[storage_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def local(self) -> Mapping[str, LocalStorage]:
        """Those whose bytes this server serves itself."""
        return {key: item for key, item in self._by_id.items() if isinstance(item, LocalStorage)}

    @property
    def labels(self) -> frozenset[str]:
        """The labels that no uncontrolled instance may bear (statement 177)."""
        backends = (storage.backend for storage in self.values())
        return frozenset(backend.label for backend in backends if backend.label is not None)

    def signer(self, wanted: UrlFilter, base_url: str) -> Signer:
        """Make the Signer of one answer, for a caller that reached this server at `base_url`."""
        return UrlSigner(self, wanted, base_url, self._most_urls)

    async def open(self) -> None:
        """Open all or none; raises `BadSettings`."""
        async with AsyncExitStack() as opened:
            for storage in self.values():
                opened.push_async_callback(storage.close)
                await storage.open()
            self._opened = opened.pop_all()

    async def close(self) -> None:
        """Close all."""
        await self._opened.aclose()
