"""Whoever vouches for callers: an OpenID Connect issuer over HTTP, and a credentials file."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwk, jwt
from starlette.types import ASGIApp

from tams.domain.access import Scope
from tams.services.credentials import (
    Account,
    Credentials,
    KeptToken,
    change_credentials,
    token_hash,
)
from tams.services.passwords import HashedPassword, ScryptCost
from tests.serving import CheckedServer, serving

SECRET = "a secret of thirty-two bytes, or more"
AUDIENCE = "the-store"
ISSUER = "the-house"
PASSWORD = "pass: wörd"
CLIENT_SECRET = "the client's & secret"
KEPT_TOKEN = "a-token-that-is-kept-in-the-file"
LATE = 1 << 32
"""An end of tokens that no test's clock comes to."""
CHEAP = ScryptCost(n=2, r=1)

WORDS = {scope.name.lower(): scope for scope in Scope}
"""admin, read, write, delete."""


def claims(scope: str = "tams-api/admin", **other: Any) -> dict[str, Any]:
    """Claims of a token that is good for an hour; None leaves one out."""
    until = int(time.time()) + 3600
    given = {"iss": ISSUER, "sub": "ada", "aud": AUDIENCE, "exp": until, "scope": scope, **other}
    return {name: value for name, value in given.items() if value is not None}


def token(scope: str = "tams-api/admin", *, secret: str = SECRET, **other: Any) -> str:
    """A token made with the shared secret."""
    key = jwk.OctKey.import_key(secret.encode())
    return jwt.encode({"alg": "HS256"}, claims(scope, **other), key)


def bearer(value: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {value}"}


def write_credentials(path: Path) -> None:
    """A user and a client for each scope, and a token that is kept."""
    password = str(HashedPassword.of(PASSWORD, CHEAP))
    secret = str(HashedPassword.of(CLIENT_SECRET, CHEAP))
    content = Credentials(
        users={word: Account(frozenset({scope}), password) for word, scope in WORDS.items()},
        clients={word: Account(frozenset({scope}), secret) for word, scope in WORDS.items()},
        tokens={"kept": KeptToken(frozenset({Scope.READ}), token_hash(KEPT_TOKEN))},
    )
    change_credentials(path, lambda _: content)


class Issuer:
    """An issuer of the loopback; `keys` are those it publishes, `asked` the paths asked for."""

    def __init__(self) -> None:
        self.keys: dict[str, jwk.RSAKey | jwk.ECKey] = {}
        self.asked: list[str] = []
        self.answers = True
        self.named: str | None = None
        self._server = TestServer(self._app())

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        return app

    async def start(self) -> None:
        await self._server.start_server()

    async def close(self) -> None:
        await self._server.close()

    @property
    def url(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    def add(self, kid: str, kind: str = "RSA") -> None:
        """Publish a new key."""
        if kind == "RSA":
            self.keys[kid] = jwk.RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})
        else:
            self.keys[kid] = jwk.ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})

    def token(self, kid: str, alg: str = "RS256", *, names_key: bool = True, **other: Any) -> str:
        """A token made with one of the keys."""
        header = {"alg": alg, "kid": kid} if names_key else {"alg": alg}
        return jwt.encode(
            header, claims(**{"iss": self.url, **other}), self.keys[kid], algorithms=[alg]
        )

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if not self.answers:
            return web.Response(status=503)
        if request.path == "/keys":
            published = [key.as_dict(private=False) for key in self.keys.values()]
            others = [{"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}, {"kty": "new", "kid": "?"}]
            return web.json_response({"keys": [*published, *others]})
        return web.json_response({"issuer": self.named or self.url, "jwks_uri": f"{self.url}/keys"})


@asynccontextmanager
async def issuing() -> AsyncIterator[Issuer]:
    """Serve an issuer with one RSA key, `first`."""
    issuer = Issuer()
    await issuer.start()
    issuer.add("first")
    try:
        yield issuer
    finally:
        await issuer.close()


def guards(folder: Path, *issuers: str) -> dict[str, str]:
    """Settings of a server with all schemes, and its credentials file."""
    write_credentials(folder / "credentials.json")
    return {
        "auth": "jwt,basic,token",
        "jwt_secret": SECRET,
        "jwt_issuer": ISSUER,
        "jwt_audience": f"another, {AUDIENCE}",
        "oidc_issuers": ",".join(issuers),
        "credentials": str(folder / "credentials.json"),
    }


def shown() -> dict[str, str]:
    """What callers show other than an admin's token, as `tams conformance` is given it."""
    words = ("read", "write", "delete")
    tokens = {word: token(WORDS[word], exp=LATE) for word in words}
    return {**tokens, "expired": token(exp=1), "basic": f"admin:{PASSWORD}"}


@asynccontextmanager
async def visiting(
    folder: Path, around: Callable[[ASGIApp], ASGIApp] = lambda app: app
) -> AsyncIterator[CheckedServer]:
    """Serve with authentication, to be checked with all credentials, whatever time passes."""
    url = f"sqlite:///{folder}/catalogue.sqlite"
    async with serving(folder, url, around, **guards(folder)) as server:
        server.headers = bearer(token(exp=LATE))
        server.credentials = shown()
        yield server


@asynccontextmanager
async def guarding(folder: Path, *issuers: str) -> AsyncIterator[CheckedServer]:
    """Serve with authentication on all ways; requests of the server given bear an admin's token."""
    url = f"sqlite:///{folder}/catalogue.sqlite"
    async with serving(folder, url, **guards(folder, *issuers)) as server:
        server.headers = bearer(token())
        yield server
