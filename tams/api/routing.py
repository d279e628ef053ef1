"""Paths exactly as the standard writes them, matched on the undecoded path.

Matching before percent-decoding keeps an encoded slash within its segment, so `/objects/a%2Fb` is
the Object `a/b` (statements 101 and 222).
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from starlette.convertors import Convertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

from tams.domain.patterns import UUID
from tams.errors import NotFound

IS_HEAD = "tams.is_head"
"""True in the scope of a request that was a HEAD: its body need not be read from anywhere."""


class IdConvertor(Convertor[str]):
    """A resource's UUID by the standard's pattern; any other text leads nowhere, so to 404."""

    regex = UUID.pattern

    def convert(self, value: str) -> str:
        """The id as it stands."""
        return value

    def to_string(self, value: str) -> str:
        """The id as it stands."""
        return value


class TextConvertor(Convertor[str]):
    """One path segment that holds any text, percent-encoded."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        """The text that the segment encodes; what encodes none names nothing, so leads to 404."""
        try:
            text = unquote_to_bytes(value).decode()
        except UnicodeDecodeError:
            raise NotFound("text", f"{value}: it must be percent-encoded UTF-8") from None
        if "\0" in text:
            raise NotFound("text", f"{value}: it must not hold a NUL character")
        return text

    def to_string(self, value: str) -> str:
        """The text as it stands."""
        return value


def register_convertors() -> None:
    """Make `{flow_id:tams_id}` and `{name:text}` known to the framework."""
    register_url_convertor("tams_id", IdConvertor())
    register_url_convertor("text", TextConvertor())


class StandardPaths:
    """Lets the routes see the undecoded path, and answers HEAD from GET (statement 260)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a changed scope on; the server itself leaves the body out of an answer to HEAD."""
        if scope["type"] == "http" and not scope["path"].startswith("/media/"):
            raw = scope["raw_path"].decode("latin-1").partition("?")[0]
            if scope["method"] == "HEAD":
                scope = {**scope, "path": raw, "method": "GET", IS_HEAD: True}
            else:
                scope = {**scope, "path": raw}
        await self._app(scope, receive, send)
