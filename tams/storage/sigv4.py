"""Presigned S3 URLs: AWS Signature Version 4 in the query, at a few microseconds each.

What all URLs of one key and window share is hashed once and copied; what is left of each is the
bucket's key, the constant rest of the request, and two keyed blocks. Only the host is signed:
whoever holds a PUT URL may send any Content-Type and checksum beside it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from tams.domain.clock import Clock
from tams.storage.signing import GRACE_S, hmac_halves

LONGEST_S = 7 * 86400
"""How long a presigned URL may live (AWS, `X-Amz-Expires`)."""

_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~/"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class Credentials(NamedTuple):
    """An access key; one that lasts for a while only comes with a `token`."""

    access_key: str
    secret_key: str
    token: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.access_key})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket as its URLs name it: by path, or by a host of its own (`virtual`).

    `endpoint` is scheme and host, with a path if the service lies below one.
    """

    endpoint: str
    name: str
    region: str
    virtual: bool = False

    @property
    def host(self) -> str:
        """What requests send as their host; a scheme's own port is left out, as clients do."""
        scheme, _, authority = self._origin.partition("://")
        host, _, port = authority.rpartition(":")
        if host and port == {"https": "443", "http": "80"}.get(scheme):
            authority = host
        return f"{self.name}.{authority}" if self.virtual else authority

    @property
    def path(self) -> str:
        """What stands before every key."""
        below = self.endpoint[len(self._origin) :].rstrip("/")
        return f"{below}/" if self.virtual else f"{below}/{self.name}/"

    @property
    def url(self) -> str:
        """Where the bucket is reached, without a slash at its end."""
        return f"{self.endpoint.partition('://')[0]}://{self.host}{self.path}".rstrip("/")

    @property
    def _origin(self) -> str:
        scheme, _, rest = self.endpoint.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}"


class S3Urls:
    """Signs GET and PUT of the keys below a prefix of a bucket.

    A URL lives for at least `timeout` seconds; the time of signing is rounded down to `window`
    seconds, so that a URL repeats within them. It ends with its credentials if these end before;
    `credentials` gives those of the moment.
    """

    def __init__(
        self,
        bucket: Bucket,
        prefix: str,
        credentials: Callable[[], Credentials],
        clock: Clock,
        *,
        timeout: int,
        window: int,
    ) -> None:
        self._bucket = bucket
        self._prefix = quote(prefix, safe="/~")
        self._credentials = credentials
        self._clock = clock
        self._window = window
        self._life = timeout + window + GRACE_S
        self._made: dict[str, tuple[object, Callable[[str], str]]] = {}

    def getter(self) -> Callable[[str], str]:
        """A function from a key to a URL that reads it, from now for at least the timeout."""
        return self._signer("GET")

    def putter(self) -> Callable[[str], str]:
        """A function from a key to a URL that writes it, from now for at least the timeout."""
        return self._signer("PUT")

    def once(self, method: str, key: str, seconds: int) -> str:
        """A URL for this method and key, from now for so many seconds."""
        now = (self._clock() - _EPOCH) // _SECOND
        return self._make(method, now, self._credentials(), seconds)(key)

    def _signer(self, method: str) -> Callable[[str], str]:
        moment = self._moment()
        made_for, signer = self._made.get(method, (None, None))
        if signer is None or made_for != moment:
            signer = self._make(method, *moment, self._life)
            self._made[method] = moment, signer
        return signer

    def _moment(self) -> tuple[int, Credentials]:
        """All that the URLs of one window depend on."""
        now = (self._clock() - _EPOCH) // _SECOND
        return now - now % self._window, self._credentials()

    def _make(
        self, method: str, seconds: int, credentials: Credentials, life: int
    ) -> Callable[[str], str]:
        signed_at = _EPOCH + timedelta(seconds=seconds)
        moment = f"{signed_at:%Y%m%dT%H%M%SZ}"
        scope = f"{signed_at:%Y%m%d}/{self._bucket.region}/s3/aws4_request"
        query = self._query(moment, scope, credentials, life)
        path = f"{quote(self._bucket.path, safe='/~')}{self._prefix}"
        request = hashlib.sha256(f"{method}\n{path}".encode())
        rest = f"\n{query}\nhost:{self._bucket.host}\n\nhost\nUNSIGNED-PAYLOAD".encode()
        inner, outer = hmac_halves(_signing_key(credentials.secret_key, scope))
        inner.update(f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n".encode())
        head = f"{self._bucket.endpoint.partition('://')[0]}://{self._bucket.host}{path}"
        tail = f"?{query}&X-Amz-Signature="

        def sign(key: str) -> str:
            raw = key.encode()
            if raw.translate(None, _PLAIN):
                key = quote(key, safe="/~")
                raw = key.encode()
            canonical = request.copy()
            canonical.update(raw + rest)
            message = inner.copy()
            message.update(canonical.hexdigest().encode())
            signature = outer.copy()
            signature.update(message.digest())
            return f"{head}{key}{tail}{signature.hexdigest()}"

        return sign

    def _query(self, moment: str, scope: str, credentials: Credentials, life: int) -> str:
        """All parameters but the signature, sorted by name, as the signature wants them."""
        token = credentials.token
        named = quote(f"{credentials.access_key}/{scope}", safe="")
        return (
            f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={named}&X-Amz-Date={moment}"
            f"&X-Amz-Expires={life}"
            + (f"&X-Amz-Security-Token={quote(token, safe='')}" if token else "")
            + "&X-Amz-SignedHeaders=host"
        )


def _signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
