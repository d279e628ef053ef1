"""Who asks and whether they may, before anything else of a request is looked at.

401 comes before the path is matched, and 403 before the body is read (application note 0016). The
parameter `access_token` ends here: nothing behind sees it, so no link, log or error repeats it.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from tams.api.errors import error_response, status_of
from tams.domain.access import ANYONE, Principal, ScopeTable
from tams.errors import Busy, Forbidden, TamsError, Unauthenticated

if TYPE_CHECKING:
    from tams.services.authentication import Authentication

OPEN = frozenset(
    ("/health", "/health/live", "/health/ready", "/docs", "/redoc", "/openapi.json", "/token")
)
"""Paths that ask for no credentials, or for their own; so does all media, by signed URL."""

_PARAMETER = b"access_token"


@dataclass(frozen=True, slots=True)
class Schemes:
    """The ways of proving who one is, as TAMS_AUTH lists them: `jwt`, `basic`, `token`."""

    offered: Collection[str]

    @property
    def challenge(self) -> str:
        """WWW-Authenticate: what a client may try (RFC 9110, section 11.6.1)."""
        basic = ['Basic realm="tams", charset="UTF-8"'] if "basic" in self.offered else []
        bearer = ['Bearer realm="tams"'] if {"jwt", "token"} & set(self.offered) else []
        return ", ".join([*bearer, *basic])


class Access:
    """Names the caller of each request in its state, as `who`, or answers 401 or 403.

    Without `authentication` everybody may do everything, and credentials are not looked at.
    """

    def __init__(
        self,
        app: ASGIApp,
        authentication: Authentication | None,
        schemes: Schemes,
        table: ScopeTable,
    ) -> None:
        self._app = app
        self._authentication = authentication
        self._schemes = schemes
        self._table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request of a caller who may on."""
        if scope["type"] in ("http", "websocket"):
            try:
                scope = await self._admitted(scope)
            except TamsError as refusal:
                await self._refuse(refusal, scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _admitted(self, scope: Scope) -> Scope:
        path = scope["path"]
        query, tokens = _without_tokens(scope["query_string"])
        if self._authentication is None:
            who = ANYONE
        elif path in OPEN or path.startswith("/media/"):
            who = Principal()
        else:
            who = await self._caller(self._authentication, scope, tokens)
            self._check_scopes(who, scope.get("method", "GET"), path)  # a WebSocket has none
        state = {**scope.get("state", {}), "who": who}
        return {**scope, "query_string": query, "state": state}

    async def _caller(
        self, authentication: Authentication, scope: Scope, tokens: list[str]
    ) -> Principal:
        """Who asks: the header decides, if there is one, else the parameter."""
        headers = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(headers) > 1 or (len(tokens) > 1 and not headers):
            raise Unauthenticated("credentials: there must be one of them")
        if headers:
            scheme, _, given = headers[0].decode("latin-1").partition(" ")
            match scheme.lower():
                case "bearer" if "jwt" in self._schemes.offered:
                    return await authentication.of_token(given.strip())
                case "basic" if "basic" in self._schemes.offered:
                    return await authentication.of_user(*name_and_password(given))
        elif tokens and "token" in self._schemes.offered:
            return await authentication.of_token(tokens[0])
        raise Unauthenticated(f"credentials: this server asks for {self._schemes.challenge}")

    def _check_scopes(self, who: Principal, method: str, path: str) -> None:
        sufficient = self._table.sufficient(method, path)
        if not who.may(sufficient):
            has = ", ".join(sorted(who.scopes)) or "no scope of this API"
            needed = " or ".join(sorted(sufficient))
            raise Forbidden(f"scope: {method} {path} needs {needed}; {who.name} has {has}")

    async def _refuse(self, refusal: TamsError, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {}
        if isinstance(refusal, Unauthenticated):
            headers["WWW-Authenticate"] = self._schemes.challenge
        if isinstance(refusal, Busy):
            headers["Retry-After"] = "1"
        kind = type(refusal).__name__
        answer = error_response(status_of(refusal), kind, str(refusal), headers)
        await answer(scope, receive, send)


def _without_tokens(query: bytes) -> tuple[bytes, list[str]]:
    """The query without the parameter `access_token`, however its name is encoded; its values."""
    if _PARAMETER not in query and b"%" not in query:
        return query, []
    pairs = [pair.partition(b"=") for pair in query.split(b"&")]
    kept = [name + equals + value for name, equals, value in pairs if not _is_token(name)]
    return b"&".join(kept), list(_values(pairs))


def _values(pairs: list[tuple[bytes, bytes, bytes]]) -> Iterator[str]:
    for name, _, value in pairs:
        if _is_token(name):
            yield unquote_to_bytes(value).decode("latin-1")


def _is_token(name: bytes) -> bool:
    return unquote_to_bytes(name) == _PARAMETER


def name_and_password(given: str) -> tuple[str, str]:
    """What a Basic header holds (RFC 7617); raises `Unauthenticated`."""
    try:
        pair = base64.b64decode(given.strip(), validate=True).decode()
    except ValueError:
        pair = ""
    name, colon, password = pair.partition(":")
    if not colon:
        raise Unauthenticated("credentials: Basic must be base64 of name:password in UTF-8")
    return name, password
