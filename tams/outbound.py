"""HTTP to URLs that clients gave, guarded at the socket (statement 275).

The address is looked at when the connection is made, so a name that leads elsewhere from one moment
to the next gets nowhere. Redirects are not followed, no proxy is asked, no cookie is kept.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tams.domain.targets import Targets
from tams.errors import Invalid, Unreachable

if TYPE_CHECKING:
    import aiohttp


class Outbound:
    """Sends requests to public addresses and to the targets that are allowed besides."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def close(self) -> None:
        """Drop the connections that are kept."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    @asynccontextmanager
    async def request(
        self,
        method: str,
        url: str,
        *,
        patience: float,
        in_all: float | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request and give the answer, whatever its status, to be read.

        `patience` is how many seconds the other side may let pass without a byte, `in_all` how
        many the whole may take. Raises `Unreachable`, which says why, also where an answer breaks
        off while it is read.
        """
        import aiohttp

        try:
            self._targets.check("url", url)
        except Invalid as refusal:
            raise Unreachable(refusal.rule) from None
        times = aiohttp.ClientTimeout(in_all, sock_connect=patience, sock_read=patience)
        session = self._session(trusted=self._targets.trust(urlsplit(url).hostname or ""))
        try:
            async with session.request(
                method, url, headers=headers, data=body, timeout=times, allow_redirects=False
            ) as answer:
                yield answer
        except (aiohttp.ClientError, TimeoutError, UnicodeError) as error:
            raise Unreachable(_reason(error)) from error

    def _session(self, *, trusted: bool) -> aiohttp.ClientSession:
        if trusted not in self._sessions:
            self._sessions[trusted] = _open_session(None if trusted else self._targets)
        return self._sessions[trusted]


def _open_session(guard: Targets | None) -> aiohttp.ClientSession:
    import aiohttp

    def guarded_socket(found: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, (host, *_) = found
        if guard is not None and not guard.admit(ip_address(host)):
            raise ForbiddenAddress(f"{host} is not public, nor allowed by TAMS_WEBHOOK_ALLOW")
        return socket.socket(family, kind, protocol)

    return aiohttp.ClientSession(
        # Whoever asks bounds how much is asked at once.
        connector=aiohttp.TCPConnector(limit=0, use_dns_cache=False, socket_factory=guarded_socket),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "tams-server"},
        trust_env=False,
    )


class ForbiddenAddress(OSError):
    """A name led to an address to which no connection may be made."""


def _reason(error: BaseException) -> str:
    """What went wrong, in one line without the URL, which may hold a secret."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    cause = getattr(error, "os_error", None) or error
    return f"{type(cause).__name__}: {cause}".removesuffix(": ")
