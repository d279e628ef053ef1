"""The signed URLs of bytes that this server serves itself.

A URL is a capability: whoever holds it may do one thing with one key until it expires. GET URLs
look like `{base}/media/{storage_id}/{key}?expires={unix seconds}&signature={hex}`; PUT URLs also
carry the `content-type` that they are bound to, if any.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from tams.domain.clock import Clock
from tams.domain.storage import MediaUrl
from tams.errors import MediaRefused

GRACE_S = 60
"""How much longer a URL lives than is promised, for clocks that disagree."""

_BLOCK = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_EXPIRES = re.compile(r"[0-9]{1,12}", re.ASCII)


def hmac_halves(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """Both halves of an HMAC-SHA256, begun with a key of 64 bytes at most.

    To keep and copy them takes a third of the time of `hmac.digest`.
    """
    padded = key.ljust(_BLOCK, b"\0")
    return (
        hashlib.sha256(bytes(byte ^ 0x36 for byte in padded)),
        hashlib.sha256(bytes(byte ^ 0x5C for byte in padded)),
    )


class MediaUrls:
    """Makes and checks signed URLs with HMAC-SHA256; the secret is 64 bytes at most.

    They live for at least `timeout` seconds; the time of signing is rounded down to `window`
    seconds, so that a URL repeats within them.
    """

    def __init__(self, secret: bytes, clock: Clock, *, timeout: int, window: int) -> None:
        self._secret = secret
        self._clock = clock
        self._window = window
        self._life = timeout + window + GRACE_S
        self._inner, self._outer = hmac_halves(secret)

    def getters(
        self, base_url: str, storage_id: str, seconds: int | None = None
    ) -> Callable[[str], str]:
        """A function from a key to a URL that reads it, from now for at least the timeout.

        With `seconds`, for just as long.
        """
        expires = self._expiry() if seconds is None else self._now() + seconds
        head = f"{base_url}/media/{storage_id}/"
        tail = f"?expires={expires}&signature="
        begun = self._inner.copy()
        begun.update(_prefix("GET", storage_id, str(expires)))
        outer = self._outer

        def sign(key: str) -> str:
            inner = begun.copy()
            inner.update(key.encode())
            signature = outer.copy()
            signature.update(inner.digest())
            return f"{head}{key}{tail}{signature.hexdigest()}"

        return sign

    def putter(self, base_url: str, storage_id: str, key: str, content_type: str) -> str:
        """A URL that writes a key, with any content type if `content_type` is empty."""
        expires = str(self._expiry())
        kind = quote(content_type, safe="/")
        signature = self._signature("PUT", MediaUrl(storage_id, key, expires, "", content_type))
        bound = f"&content-type={kind}" if kind else ""
        return f"{base_url}/media/{storage_id}/{key}?expires={expires}{bound}&signature={signature}"

    def check(self, method: str, url: MediaUrl) -> None:
        """Return if `url` was made here for `method` and lives still; else raise `MediaRefused`."""
        known = self._signature(method, url)
        if not hmac.compare_digest(known.encode(), url.signature.encode()):
            raise MediaRefused("signature: it does not fit this method and URL; ask for a new URL")
        if _EXPIRES.fullmatch(url.expires) is None or int(url.expires) < self._now():
            raise MediaRefused(f"expires: this URL ended at {url.expires}; ask for a new one")

    def _signature(self, method: str, url: MediaUrl) -> str:
        message = _prefix(method, url.storage_id, url.expires) + url.key.encode()
        if url.content_type:
            message += b"\n" + quote(url.content_type, safe="/").encode()
        return hmac.digest(self._secret, message, "sha256").hex()

    def _expiry(self) -> int:
        now = self._now()
        return now - now % self._window + self._life

    def _now(self) -> int:
        return (self._clock() - _EPOCH) // _SECOND


def _prefix(method: str, storage_id: str, expires: str) -> bytes:
    return f"{method}\n{storage_id}\n{expires}\n".encode()
