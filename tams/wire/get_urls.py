"""The `get_urls` of Objects, as Segments, Objects and events show them (TAMS 8.2 `object-core`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from tams.domain.objects import InitObject, Instance
from tams.domain.storage import Signer, StorageBackend
from tams.wire.service import storage_backend_fields
from tams.wire.values import present


class GetUrls:
    """Prints `get_urls` for one answer: all that its URLs have in common is printed once."""

    def __init__(self, signer: Signer, *, verbose: bool) -> None:
        self._signer = signer
        self._verbose = verbose
        self._inits: dict[InitObject, str] = {}
        self._printers: dict[str, Callable[[str], str]] = {}

    def member(self, storage_id: str | None, key: str | None, others: Iterable[Instance]) -> str:
        """A `get_urls` to follow other members of a JSON object; empty if no URL is shown."""
        shown = self._controlled(storage_id, key)
        if others:
            shown = ",".join(filter(None, (shown, *map(self._entries, others))))
        return f',"get_urls":[{shown}]' if shown else ""

    def init_object(self, id_name: str, init: InitObject) -> str:
        """An `init_object` to follow other members, with its id under the name for this place."""
        if init not in self._inits:
            get_urls = self.member(init.storage_id, init.key, init.others or ())
            told = f'{{"{id_name}":{json.dumps(init.object_id)}{get_urls}}}'
            self._inits[init] = f',"init_object":{told}'
        return self._inits[init]

    def _controlled(self, storage_id: str | None, key: str | None) -> str:
        if storage_id is None or key is None:
            return ""
        printer = self._printers.get(storage_id)
        if printer is None:
            printer = self._printers[storage_id] = self._printer(storage_id)
        return printer(key)

    def _printer(self, storage_id: str) -> Callable[[str], str]:
        """Prints the entries of a key in a backend, presigned first; empty if it shows none."""
        printers: list[Callable[[str], str]] = []
        if (signed := self._signer.backends.get(storage_id)) is not None:
            sign = self._signer.sign_gets(storage_id)
            signed_tail = _tail(signed, presigned=True, verbose=self._verbose)
            printers.append(lambda key: f'{{"url":"{sign(key)}{signed_tail}')
        if (public := self._signer.public_backends.get(storage_id)) is not None:
            head, tail = _head(public), _tail(public, presigned=False, verbose=self._verbose)
            printers.append(lambda key: f"{head}{key}{tail}")
        if len(printers) == 1:
            return printers[0]
        return lambda key: ",".join([printer(key) for printer in printers])

    def _entries(self, instance: Instance) -> str:
        if instance.url is None:
            return self._controlled(instance.storage_id, instance.key)
        if not self._signer.shows_label(instance.label):
            return ""
        entry = present({"url": instance.url, "presigned": False, "label": instance.label})
        return json.dumps(entry | ({"controlled": False} if self._verbose else {}))


def _head(backend: StorageBackend) -> str:
    return f'{{"url":{json.dumps(f"{backend.public_url}/")[:-1]}'


def _tail(backend: StorageBackend, *, presigned: bool, verbose: bool) -> str:
    """What follows a URL; neither it nor a key holds anything that JSON would escape."""
    entry = present({"presigned": presigned, "label": backend.label})
    if verbose:
        entry |= {"storage_id": backend.id, "controlled": True, **storage_backend_fields(backend)}
    return '",' + json.dumps(entry, separators=(",", ":"))[1:]
