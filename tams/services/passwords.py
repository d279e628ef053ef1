"""Passwords as they are kept: hashed, so that the file that holds them gives none away."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import NamedTuple

_SALT = 16
_LENGTH = 32


class ScryptCost(NamedTuple):
    """What one hash costs: 16 MiB and some 50 ms (RFC 7914)."""

    n: int = 1 << 14
    r: int = 8
    p: int = 1


COST = ScryptCost()
_DEAREST = 1 << 28
"""Bytes that a hash may take at most, whatever the file says."""


class HashedPassword(NamedTuple):
    """A password's hash and all that is needed to try another against it."""

    cost: ScryptCost
    salt: bytes
    digest: bytes

    @classmethod
    def of(cls, password: str, cost: ScryptCost = COST) -> HashedPassword:
        """Hash a password with a new salt; takes its time."""
        salt = secrets.token_bytes(_SALT)
        return cls(cost, salt, _digest(password, salt, cost))

    @classmethod
    def parse(cls, text: str) -> HashedPassword:
        """Read what `str` wrote; raises `ValueError`."""
        try:
            kind, n, r, p, salt, digest = text.split("$")
            cost = ScryptCost(int(n), int(r), int(p))
            found = cls(cost, base64.b64decode(salt), base64.b64decode(digest))
        except ValueError:
            raise ValueError("a password hash must be scrypt$n$r$p$salt$digest") from None
        if kind != "scrypt" or not 0 < cost.n * cost.r * 128 <= _DEAREST or cost.p != 1:
            raise ValueError("a password hash must be scrypt's, and of at most 256 MiB")
        return found

    def __str__(self) -> str:
        salt, digest = (base64.b64encode(part).decode() for part in (self.salt, self.digest))
        return f"scrypt${self.cost.n}${self.cost.r}${self.cost.p}${salt}${digest}"

    def matches(self, password: str) -> bool:
        """Whether it is this password; takes the same time either way."""
        return hmac.compare_digest(_digest(password, self.salt, self.cost), self.digest)


def _digest(password: str, salt: bytes, cost: ScryptCost) -> bytes:
    return hashlib.scrypt(
        password.encode(),
        salt=salt,
        n=cost.n,
        r=cost.r,
        p=cost.p,
        maxmem=2 * _DEAREST,
        dklen=_LENGTH,
    )
