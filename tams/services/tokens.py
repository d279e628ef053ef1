"""JSON Web Tokens: whom one speaks for, and those that this server makes (RFC 7519)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from joserfc import jwk, jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError

from tams.domain.access import Principal, Scope, Scopes
from tams.domain.clock import Clock
from tams.errors import Unauthenticated

LEEWAY_S = 10
"""Seconds by which the clock of an issuer may differ from ours."""

_LONGEST = 16 * 1024


class Verified(NamedTuple):
    """A token's bearer, and until when the token is good, in seconds since 1970."""

    principal: Principal
    until: float


class Keys(Protocol):
    """The keys of one issuer, and the algorithms that its tokens may be signed with."""

    @property
    def algorithms(self) -> Collection[str]:
        """What a signature may be made with, whatever the token says of itself."""

    async def key(self, key_id: str | None) -> jwk.Key:
        """The key of that id; raises `Unauthenticated`, `Busy`."""


class SharedSecret:
    """The secret that makes this server's own tokens, of 32 bytes at least."""

    algorithms = ("HS256",)

    def __init__(self, secret: str) -> None:
        self.secret = jwk.OctKey.import_key(secret.encode())

    async def key(self, key_id: str | None) -> jwk.Key:
        """The one key, whatever a token calls it."""
        del key_id
        return self.secret


class TokenVerifier:
    """Verifies tokens of the issuers it is given, by name; under None, tokens that name none.

    The issuer's entry alone decides key and algorithms. A token is for one of the `audiences`; if
    there are none, it names none either.
    """

    def __init__(
        self, issuers: Mapping[str | None, Keys], audiences: Sequence[str], clock: Clock
    ) -> None:
        self._issuers = issuers
        self._audiences = list(audiences)
        self._clock = clock

    async def verify(self, token: str) -> Verified:
        """Whom a token speaks for; raises `Unauthenticated` that says what is wrong, `Busy`."""
        if len(token) > _LONGEST:
            raise Unauthenticated(f"token: it has more than {_LONGEST} characters")
        try:
            keys, key_id = self._named(token)
            decoded = jwt.decode(token, await keys.key(key_id), algorithms=keys.algorithms)
            self._rules().validate(decoded.claims)
        except ExpiredTokenError:
            raise Unauthenticated("token: it has expired") from None
        except (JoseError, ValueError, RecursionError):
            raise Unauthenticated("token: it is not valid here") from None
        self._check_audience(decoded.claims.get("aud"))
        return Verified(_principal(decoded.claims), decoded.claims["exp"] + LEEWAY_S)

    def _named(self, token: str) -> tuple[Keys, str | None]:
        """The keys of the issuer that a token says it is of, which its signature has to prove."""
        unproven = jws.extract_compact(token.encode())
        claims = json.loads(unproven.payload)
        issuer = claims.get("iss") if isinstance(claims, dict) else claims
        key_id = unproven.headers().get("kid")
        texts = isinstance(issuer, str | None) and isinstance(key_id, str | None)
        if not texts or issuer not in self._issuers:
            raise Unauthenticated("token: its issuer is not one that this server trusts")
        return self._issuers[issuer], key_id

    def _rules(self) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(self._clock().timestamp()), leeway=LEEWAY_S, exp={"essential": True}
        )

    def _check_audience(self, claim: str | list[str] | None) -> None:
        named = [claim] if isinstance(claim, str) else claim
        if (named is None and not self._audiences) or set(named or ()) & set(self._audiences):
            return
        raise Unauthenticated("token: it is for another audience; TAMS_JWT_AUDIENCE names ours")


def _principal(claims: Mapping[str, Any]) -> Principal:
    name = claims.get("username") or claims.get("sub")
    if not isinstance(name, str) or not name.isprintable():
        raise Unauthenticated("token: username or sub must say, in printable text, whose it is")
    return Principal(name, _scopes(claims))


def _scopes(claims: Mapping[str, Any]) -> Scopes:
    """Our scopes among those of `scope` or `scp`, each a list or a text with spaces."""
    found = claims.get("scope", claims.get("scp", ""))
    words = found.split() if isinstance(found, str) else found
    return frozenset(scope for scope in Scope if isinstance(words, list) and scope in words)


class Issued(NamedTuple):
    """A token that was made, with what it lets its bearer do."""

    token: str
    lifetime: timedelta
    scopes: Scopes


class TokenMaker:
    """Makes tokens that this server, and whoever has the secret, verifies."""

    def __init__(
        self,
        secret: SharedSecret,
        *,
        issuer: str,
        audience: str | None,
        lifetime: timedelta,
        clock: Clock,
    ) -> None:
        self._secret = secret
        self._issuer = issuer
        self._audience = audience
        self._lifetime = lifetime
        self._clock = clock

    def make(self, name: str, scopes: Scopes) -> Issued:
        """A new token for `name`."""
        now: datetime = self._clock()
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": name,
            "client_id": name,
            "scope": " ".join(sorted(scopes)),
            "iat": int(now.timestamp()),
            "exp": int((now + self._lifetime).timestamp()),
            "jti": str(uuid.uuid4()),
        }
        if self._audience is not None:
            claims["aud"] = self._audience
        token = jwt.encode({"alg": "HS256"}, claims, self._secret.secret)
        return Issued(token, self._lifetime, scopes)
