"""Pages of other web sites, where browsers leave it to the server to ask who they are.

CORS is what keeps them from the answers to their requests; a WebSocket knows nothing of it, and
browsers open one for any page (RFC 6455, section 10.2).
"""

from __future__ import annotations

from collections.abc import Set
from typing import NamedTuple

from starlette.requests import HTTPConnection

from tams.api.paging import base_url
from tams.errors import Forbidden


class Origins(NamedTuple):
    """The sites whose pages may ask this server, `*` for all of them.

    What a browser keeps and sends by itself counts for them only with `credentials`.
    """

    names: Set[str]
    credentials: bool

    def check(self, connection: HTTPConnection) -> None:
        """Raise `Forbidden` for a page of a site that may not; what is no browser says none."""
        origin = connection.headers.get("origin")
        if origin is None or _site(origin) in _own(connection):
            return
        if "*" not in self.names and origin not in self.names:
            raise Forbidden(f"Origin: {origin} is not among TAMS_CORS_ORIGINS")
        # A page cannot set this header on a WebSocket: the browser did.
        if "authorization" in connection.headers and not self.credentials:
            raise Forbidden(f"Origin: {origin} may not use what the browser keeps for this server")


def _own(connection: HTTPConnection) -> Set[str]:
    """By host alone: a proxy may have ended TLS."""
    host = connection.headers.get("host")
    return {one for one in (host, _site(base_url(connection)).partition("/")[0]) if one}


def _site(url: str) -> str:
    return url.partition("://")[2]
