"""The keys of an OpenID Connect issuer: found by discovery, kept, and read again as they rotate."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import structlog
from joserfc import jwk
from joserfc.errors import JoseError

from tams.domain.clock import Clock
from tams.errors import Busy, Unauthenticated

_log = structlog.get_logger(__name__)

# One family a line.
SIGNED_BY = (
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
    "Ed25519",
)
"""Algorithms of an issuer's tokens: those with a public key, and no other."""

_KINDS = frozenset({"RSA", "EC", "OKP"})
_FRESH = timedelta(minutes=10)
_KEPT = timedelta(days=1)
_PAUSE = timedelta(seconds=10)
_PATIENCE = aiohttp.ClientTimeout(total=5)
_NEVER = datetime.fromisoformat("0001-01-02T00:00:00+00:00")


class Issuer:
    """The public keys of one issuer (OpenID Connect Discovery 1.0, RFC 7517).

    Keys are read anew when ten minutes old, and when a token names one that is not known, but never
    twice in ten seconds; while the issuer does not answer, those of the last day are good.
    """

    algorithms = SIGNED_BY

    def __init__(self, url: str, clock: Clock) -> None:
        self.url = url
        self._clock = clock
        self._reading = asyncio.Lock()
        self._keys: list[jwk.Key] = []
        self._read = _NEVER
        self._tried = _NEVER

    async def key(self, key_id: str | None) -> jwk.Key:
        """The key of that id, or the only one if a token names none.

        Raises `Unauthenticated` if there is none, `Busy` if the issuer does not answer.
        """
        if _apart(self._clock(), self._read) > _FRESH:
            await self._refresh()
        found = self._find(key_id)
        if found is None:
            await self._refresh()
            found = self._find(key_id)
        if found is None:
            raise Unauthenticated("token: its issuer has no key of that id")
        return found

    def _find(self, key_id: str | None) -> jwk.Key | None:
        if key_id is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.kid == key_id), None)

    async def _refresh(self) -> None:
        asked = self._clock()
        async with self._reading:
            # Another request may have read them while this one waited.
            if _apart(asked, self._tried) >= _PAUSE:
                self._tried = asked
                await self._try_to_read(asked)
        if asked - self._read > _KEPT:
            raise Busy(f"the issuer {self.url} of this token does not answer; try again")

    async def _try_to_read(self, now: datetime) -> None:
        try:
            self._keys = await self._fetched()
            self._read = now
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
            # The keys of the last day go on; without any, the caller is told.
            _log.error("cannot read the keys of an issuer", issuer=self.url, error=str(error))

    async def _fetched(self) -> list[jwk.Key]:
        async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
            at = f"{self.url.rstrip('/')}/.well-known/openid-configuration"
            document = await _json(session, at)
            if document["issuer"] != self.url:
                raise ValueError(f"{at} is of another issuer, {document['issuer']}")
            written = (await _json(session, document["jwks_uri"]))["keys"]
        return [key for key in map(_imported, written) if key is not None]


def _apart(one: datetime, other: datetime) -> timedelta:
    """The time between two moments; a clock that is put back must not make the later one last."""
    return abs(one - other)


async def _json(session: aiohttp.ClientSession, url: str) -> Mapping[str, Any]:
    async with session.get(url, allow_redirects=False) as answer:
        if answer.status != 200:
            raise ValueError(f"{url}: {answer.status}")
        found = json.loads(await answer.read())
    if not isinstance(found, dict):
        raise TypeError(f"{url}: it must be a JSON object")
    return found


def _imported(written: Mapping[str, Any]) -> jwk.Key | None:
    """A key for signatures; None for any other, which a set may well hold too."""
    if written.get("kty") not in _KINDS or written.get("use", "sig") != "sig":
        return None
    try:
        return jwk.import_key(dict(written))
    except (JoseError, ValueError):
        return None
