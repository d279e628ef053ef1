"""Presigned URLs of Azure Blob Storage: shared access signatures of one blob, by an account key."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from tams.domain.clock import Clock
from tams.storage.signing import GRACE_S, hmac_halves

VERSION = "2020-12-06"
"""Of the protocol; what is signed depends on it."""

READ, WRITE = "r", "cw"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container as its URLs name it; `endpoint` is that of the account."""

    endpoint: str
    account: str
    name: str


class BlobUrls:
    """Signs reads and writes of the blobs below a prefix of a container; `key` is the account's.

    A URL lives for at least `timeout` seconds; the time of signing is rounded down to `window`
    seconds, so that a URL repeats within them.
    """

    def __init__(
        self,
        container: Container,
        prefix: str,
        key: bytes,
        clock: Clock,
        *,
        timeout: int,
        window: int,
    ) -> None:
        self._container = container
        self._prefix = prefix
        self._inner, self._outer = hmac_halves(key)
        self._clock = clock
        self._window = window
        self._life = timeout + window + GRACE_S

    def signer(self, permissions: str, seconds: int | None = None) -> Callable[[str], str]:
        """A function from a key to a URL with these permissions, for at least the timeout.

        With `seconds`, for just as long.
        """
        now = (self._clock() - _EPOCH) // _SECOND
        last = now - now % self._window + self._life if seconds is None else now + seconds
        ends = f"{_EPOCH + last * _SECOND:%Y-%m-%dT%H:%M:%SZ}"
        container = self._container
        path = f"/{container.name}/{self._prefix}"
        begun = self._inner.copy()
        begun.update(f"{permissions}\n\n{ends}\n/blob/{container.account}{path}".encode())
        # What is left out: identifier, addresses, protocol; snapshot, scope and five headers.
        rest = f"\n\n\n\n{VERSION}\nb\n\n\n\n\n\n\n"
        head = f"{container.endpoint}{quote(path)}"
        tail = f"?sv={VERSION}&se={quote(ends, safe='')}&sr=b&sp={permissions}&sig="
        outer = self._outer

        def sign(key: str) -> str:
            inner = begun.copy()
            inner.update(f"{key}{rest}".encode())
            signature = outer.copy()
            signature.update(inner.digest())
            told = base64.b64encode(signature.digest()).decode()
            return f"{head}{quote(key)}{tail}{quote(told, safe='')}"

        return sign
