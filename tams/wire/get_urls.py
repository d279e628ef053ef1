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
        alone = ""
        if storage_id is not None and key is not None:
            printer = self._printers.get(storage_id)
            if printer is None:
                printer = self._printers[storage_id] = self._printer(storage_id)
            alone = printer(key)
        if not others:
            return alone
        return _member((_entries(alone), *map(self._entry, others)))

    def init_object(self, id_name: str, init: InitObject) -> str:
        """An `init_object` to follow other members, with its id under the name for this place."""
        if init not in self._inits:
            get_urls = self.member(init.storage_id, init.key, init.others or ())
            told = f'{{"{id_name}":{json.dumps(init.object_id)}{get_urls}}}'
            self._inits[init] = f',"init_object":{told}'
        return self._inits[init]

    def _printer(self, storage_id: str) -> Callable[[str], str]:
        """Prints the `member` of a key in a backend that is its only place."""
        parts: list[tuple[str, Callable[[str], str], str]] = []
        if (signed := self._signer.backends.get(storage_id)) is not None:
            tail = _tail(signed, presigned=True, verbose=self._verbose)
            parts.append(('{"url":"', self._signer.sign_gets(storage_id), tail))
        if (public := self._signer.public_backends.get(storage_id)) is not None:
            tail = _tail(public, presigned=False, verbose=self._verbose)
            parts.append((_head(public), str, tail))
        if len(parts) != 1:
            return lambda key: _member([f"{head}{url(key)}{tail}" for head, url, tail in parts])
        # Put together at once, for a page has a thousand of them, and they are long.
        [(head, url, tail)] = parts
        head, tail = f"{_OPENING}{head}", f"{tail}]"
        return lambda key: f"{head}{url(key)}{tail}"

    def _entry(self, instance: Instance) -> str:
        if instance.url is None:
            return _entries(self.member(instance.storage_id, instance.key, ()))
        if not self._signer.shows_label(instance.label):
            return ""
        entry = present({"url": instance.url, "presigned": False, "label": instance.label})
        return json.dumps(entry | ({"controlled": False} if self._verbose else {}))


class FewGetUrls(GetUrls):
    """The same, cut off after as many as may be shown; where all may be, nothing is paid for it."""

    def member(self, storage_id: str | None, key: str | None, others: Iterable[Instance]) -> str:
        """A `get_urls` as that of `GetUrls`, cut off."""
        shown = super().member(storage_id, key, others)
        if not shown:
            return ""
        entries = json.loads(shown.removeprefix(_NAME))[: self._signer.most_urls]
        return f"{_NAME}{json.dumps(entries, separators=(',', ':'))}"


def urls_printer(signer: Signer, *, verbose: bool) -> GetUrls:
    """What prints them, all or as many as may be shown."""
    return (FewGetUrls if signer.most_urls else GetUrls)(signer, verbose=verbose)


_NAME = ',"get_urls":'
_OPENING = f"{_NAME}["


def _member(entries: Iterable[str]) -> str:
    shown = ",".join(filter(None, entries))
    return f"{_OPENING}{shown}]" if shown else ""


def _entries(member: str) -> str:
    return member.removeprefix(_OPENING).removesuffix("]")


def _head(backend: StorageBackend) -> str:
    return f'{{"url":{json.dumps(f"{backend.public_url}/")[:-1]}'


def _tail(backend: StorageBackend, *, presigned: bool, verbose: bool) -> str:
    """What follows a URL; neither it nor a key holds anything that JSON would escape."""
    entry = present({"presigned": presigned, "label": backend.label})
    if verbose:
        entry |= {"storage_id": backend.id, "controlled": True, **storage_backend_fields(backend)}
    return '",' + json.dumps(entry, separators=(",", ":"))[1:]
