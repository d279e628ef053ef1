"""The `get_urls` of Objects, as Segments, Objects and events show them (TAMS 8.2 `object-core`)."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tams.domain.objects import Instance
from tams.domain.storage import Signer, StorageBackend
from tams.wire.service import storage_backend_fields
from tams.wire.values import present


class GetUrls:
    """Prints `get_urls` for one answer: all that its URLs have in common is printed once."""

    def __init__(self, signer: Signer, *, verbose: bool) -> None:
        self._signer = signer
        self._sign = signer.sign
        self._verbose = verbose
        self._tails = {key: _tail(backend, verbose) for key, backend in signer.backends.items()}

    def member(self, storage_id: str | None, key: str | None, others: Iterable[Instance]) -> str:
        """A `get_urls` to follow other members of a JSON object; empty if no URL is shown."""
        shown = self._controlled(storage_id, key)
        if others:
            shown = ",".join(filter(None, (shown, *map(self._entry, others))))
        return f',"get_urls":[{shown}]' if shown else ""

    def _controlled(self, storage_id: str | None, key: str | None) -> str:
        tail = self._tails.get(storage_id) if storage_id is not None else None
        if storage_id is None or key is None or tail is None:
            return ""
        return f'{{"url":"{self._sign(storage_id, key)}{tail}'

    def _entry(self, instance: Instance) -> str:
        if instance.url is None:
            return self._controlled(instance.storage_id, instance.key)
        if not self._signer.shows_label(instance.label):
            return ""
        entry = present({"url": instance.url, "presigned": False, "label": instance.label})
        return json.dumps(entry | ({"controlled": False} if self._verbose else {}))


def _tail(backend: StorageBackend, verbose: bool) -> str:
    """What follows the URL, which holds nothing that JSON would escape."""
    entry = present({"presigned": True, "label": backend.label})
    if verbose:
        entry |= {"storage_id": backend.id, "controlled": True, **storage_backend_fields(backend)}
    return '",' + json.dumps(entry, separators=(",", ":"))[1:]
