"""Checksums that travel in HTTP headers, as object stores know them: the digest in base64."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

import google_crc32c

from tams.errors import Invalid


class _Digest(Protocol):
    def update(self, chunk: bytes, /) -> object: ...

    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, chunk: bytes, /) -> None:
        self._value = zlib.crc32(chunk, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


MD5 = "content-md5"
AMAZON = "x-amz-checksum-"
_DIGESTS: Mapping[str, tuple[int, Callable[[], _Digest]]] = {
    MD5: (16, lambda: hashlib.md5(usedforsecurity=False)),
    f"{AMAZON}sha256": (32, hashlib.sha256),
    f"{AMAZON}sha1": (20, lambda: hashlib.sha1(usedforsecurity=False)),
    f"{AMAZON}crc32c": (4, google_crc32c.Checksum),
    f"{AMAZON}crc32": (4, _Crc32),
}
_NO_DIGESTS = {f"{AMAZON}{word}" for word in ("algorithm", "mode", "type")}


def named_checksums(headers: Mapping[str, str]) -> dict[str, str]:
    """Those of a request's headers (lower-case names) that name a checksum of its body."""
    return {
        name: value
        for name, value in headers.items()
        if name == MD5 or (name.startswith(AMAZON) and name not in _NO_DIGESTS)
    }


def told_checksums(headers: Mapping[str, str]) -> dict[str, str]:
    """Those of an answer's headers (lower-case names) that `Checksums` can verify the body by.

    Others are left out: digests of parts, or of kinds that are not known here.
    """
    return {name: value for name, value in headers.items() if _is_whole(name, value)}


def _is_whole(name: str, value: str) -> bool:
    try:
        _parse(name, value)
    except Invalid:
        return False
    return True


class Checksums:
    """What the bytes of one upload add up to, beside what the uploader says they do.

    `expected` maps header names to base64; raises `Invalid` for one that no digest could match.
    """

    def __init__(self, expected: Mapping[str, str]) -> None:
        self._expected = {name: _parse(name, value) for name, value in expected.items()}
        self._digests = {name: _DIGESTS[name][1]() for name in {MD5, *expected}}

    def update(self, chunk: bytes) -> None:
        """Take the next bytes."""
        for digest in self._digests.values():
            digest.update(chunk)

    def verified(self) -> dict[str, str]:
        """Every checksum, by header name; raises `Invalid` if one is not what was expected."""
        found = {name: digest.digest() for name, digest in self._digests.items()}
        for name, expected in self._expected.items():
            if found[name] != expected:
                rule = f"the bytes that arrived have {_print(found[name])}"
                raise Invalid(name, _print(expected), rule)
        return {name: _print(digest) for name, digest in sorted(found.items())}


def _parse(name: str, value: str) -> bytes:
    if name not in _DIGESTS:
        raise Invalid(name, value, f"only {', '.join(_DIGESTS)} are verified here")
    size, _ = _DIGESTS[name]
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != size:
        raise Invalid(name, value, f"it must be {size} bytes in base64")
    return digest


def _print(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
