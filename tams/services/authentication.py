"""Who a caller is, from the credentials that a request brought."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from math import inf
from time import monotonic
from typing import NamedTuple

import structlog

from tams.domain.access import Principal, Scope, Scopes
from tams.domain.clock import Clock
from tams.errors import BadSettings, Busy, Invalid, Unauthenticated
from tams.services.credentials import Account, Credentials, CredentialsFile
from tams.services.passwords import COST, HashedPassword
from tams.services.tokens import Issued, TokenMaker, TokenVerifier, Verified

_log = structlog.get_logger(__name__)

_TOKEN_AGE_S = 300
_PASSWORD_AGE_S = 60
_LOOK_S = 1
_REMEMBERED = 4096
_AT_ONCE = 2
"""Passwords that are tried at the same time, each of which takes a core and 16 MiB."""


class _Remembered(NamedTuple):
    """Who it was; until when by the elapsed seconds, and by the clock where the token says that."""

    principal: Principal
    until: float
    expires: float


class Authentication:
    """Verifies tokens and passwords, and remembers for a while which were good.

    A good token is verified anew after five minutes and a password after one, or as soon as the
    credentials file changes, which is looked at once a second: by the seconds that `elapsed`
    counts, so that nothing lasts longer because the clock is put back. When a token ends by itself
    is told by the clock. What is remembered is a keyed hash.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        file: CredentialsFile | None,
        maker: TokenMaker | None,
        clock: Clock,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._verifier = verifier
        self._file = file
        self._maker = maker
        self._clock = clock
        self._elapsed = elapsed
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, _Remembered] = {}
        self._next_look = -inf
        self._trying = asyncio.Semaphore(_AT_ONCE)
        self._nobody = HashedPassword(COST, secrets.token_bytes(16), secrets.token_bytes(32))

    async def of_token(self, token: str) -> Principal:
        """Whose token it is, a JSON Web Token or one of the file's; raises `Unauthenticated`."""
        at = self._look()
        key = self._hashed("token", token)
        if (known := self._recalled(key, at)) is not None:
            return known
        found = self._kept(token) or await self._verifier.verify(token)
        return self._remember(key, found.principal, at + _TOKEN_AGE_S, found.until)

    async def of_user(self, name: str, password: str) -> Principal:
        """Whose name and password they are; raises `Unauthenticated`."""
        at = self._look()
        key = self._hashed("user", f"{name}:{password}")
        if (known := self._recalled(key, at)) is not None:
            return known
        content = self._content()
        found = await self._with_password(content.users, name, password)
        if content is self._content():  # it may have changed while the password was tried
            self._remember(key, found, at + _PASSWORD_AGE_S)
        return found

    @property
    def makes_tokens(self) -> bool:
        """Whether `issue` can."""
        return self._maker is not None and self._file is not None

    async def issue(self, client: str, secret: str, asked: Sequence[str] | None) -> Issued:
        """A token for a client, with the scopes asked for or all that it has.

        Raises `Unauthenticated`, and `Invalid` for a scope that it has not.
        """
        self._look()
        if self._maker is None:
            raise BadSettings("TAMS_JWT_SECRET: tokens cannot be made without it")
        found = await self._with_password(self._content().clients, client, secret)
        return self._maker.make(client, _granted(found, asked))

    def _look(self) -> float:
        """The seconds that have elapsed; what the file said before it changed is forgotten."""
        at = self._elapsed()
        if self._file is not None and at >= self._next_look:
            try:
                changed = self._file.refresh()
            except BadSettings as error:
                # To go on with what it said would let in those who were removed.
                _log.error("nobody can be let in", error=str(error))
                summary = "credentials: they cannot be checked; the server's log says why"
                raise Busy(summary) from error
            if changed:
                self._known.clear()
            self._next_look = at + _LOOK_S
        return at

    def _content(self) -> Credentials:
        return Credentials() if self._file is None else self._file.content

    def _kept(self, token: str) -> Verified | None:
        found = None if self._file is None else self._file.by_token(token)
        if found is None:
            return None
        principal, expires = found
        until = inf if expires is None else expires.timestamp()
        if until <= self._clock().timestamp():
            raise Unauthenticated("token: it has expired")
        return Verified(principal, until)

    async def _with_password(
        self, accounts: Mapping[str, Account], name: str, password: str
    ) -> Principal:
        account = accounts.get(name)
        # Nobody's password is tried for a name that is unknown: both refusals take as long.
        kept = self._nobody if account is None else HashedPassword.parse(account.hash)
        async with self._trying:
            matches = await asyncio.to_thread(kept.matches, password)
        if account is None or not matches:
            raise Unauthenticated("credentials: name or password is wrong")
        return Principal(name, account.scopes)

    def _hashed(self, kind: str, secret: str) -> bytes:
        return hmac.digest(self._key, f"{kind} {secret}".encode(), hashlib.sha256)

    def _recalled(self, key: bytes, at: float) -> Principal | None:
        known = self._known.get(key)
        if known is None or at >= known.until or self._clock().timestamp() >= known.expires:
            return None
        return known.principal

    def _remember(
        self, key: bytes, principal: Principal, until: float, expires: float = inf
    ) -> Principal:
        if len(self._known) >= _REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[key] = _Remembered(principal, until, expires)
        return principal


def _granted(client: Principal, asked: Sequence[str] | None) -> Scopes:
    if asked is None:
        return client.scopes
    wanted = frozenset(scope for scope in Scope if scope in asked)
    unknown = [word for word in asked if word not in wanted]
    beyond = [scope for scope in wanted if not client.may(frozenset({scope}))]
    if unknown or beyond:
        has = ", ".join(sorted(client.scopes))
        raise Invalid("scope", " ".join([*unknown, *beyond]), f"this client has {has}")
    return wanted
