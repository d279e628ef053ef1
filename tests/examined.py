"""Every answer that any test receives, held against the official document and remembered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tams.conformance.official import VERSION
from tams.errors import NotFound
from tests.official import OurDocument, document, held_against
from tests.unseen import UNSEEN


class Seen(NamedTuple):
    """That an operation of a version's document was answered with a status."""

    method: str
    path: str
    status: int
    version: str = VERSION


SEEN: set[Seen] = set()
"""What the tests of this process, and of the workers that have ended, have received."""


class Examined:
    """The application; `complaints` are about the answers that nobody has asked after yet."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.complaints: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw_path = scope["raw_path"].decode() if scope["type"] == "http" else ""
        state = getattr(self._app, "state", None)
        official, path = held_against(raw_path, getattr(state, "dialects", ()))
        if official is None or official.path_of(path) is None or self._is_ours(scope, raw_path):
            await self._app(scope, receive, send)
            return
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)
            if not message.get("more_body", message["type"] == "http.response.start"):
                self._examine(official, scope["method"], path, messages)
            await send(message)

        await self._app(scope, receive, keep)

    def _is_ours(self, scope: Scope, path: str) -> bool:
        """Whether an extension answers, of which the document says nothing."""
        extensions = getattr(getattr(self._app, "state", None), "extensions", ())
        seen = {**scope, "path": path}
        routes = (route for each in extensions for route in each.router.routes)
        try:
            return any(route.matches(seen)[0] is Match.FULL for route in routes)
        except NotFound:  # the path holds no text
            return False

    def _examine(
        self, official: OurDocument, method: str, path: str, messages: list[Message]
    ) -> None:
        start, *rest = messages
        whole = b"".join(part.get("body", b"") for part in rest)
        # The server itself leaves the body out of an answer to HEAD.
        body = b"" if method == "HEAD" else whole
        limited = b'"summary": "scope: ' in whole
        status, headers = start["status"], Headers(raw=start["headers"])
        SEEN.add(Seen(method, official.path_of(path) or "", status, official.version))
        found = list(official.complaints(method, path, status, headers, body, limited=limited))
        if found:
            about = f"{official.version} {method} {path}, {status}"
            self.complaints.append(f"{about}: {'; '.join(found)}")

    def ensure(self) -> None:
        """Fail with the complaints there are, once."""
        found, self.complaints = self.complaints, []
        assert not found, "\n".join(found)


def expected(version: str = VERSION) -> Iterator[Seen]:
    """Every status that a version's document declares for an operation of its own."""
    official = document(version)
    for path, operations in official.paths.items() if official else ():
        for method, operation in operations.items():
            for status in operation.get("responses", ()) if isinstance(operation, dict) else ():
                yield Seen(method.upper(), path, int(status), version)


def coverage() -> list[str]:
    """What no test has received and nothing says why, and what was received against reason."""
    reasoned = {Seen(*one) for one in UNSEEN}
    missing = sorted(set(expected()) - SEEN - reasoned)
    return [
        *(
            f"no test has seen {method} {path} answer {status}"
            for method, path, status, _ in missing
        ),
        *(f"{one.method} {one.path} does answer {one.status}" for one in sorted(SEEN & reasoned)),
    ]


CHOOSING = ("keyword", "markexpr", "deselect", "collectonly", "lf", "failedfirst")
"""Options by which a run is not of every test."""


def is_whole(session: pytest.Session) -> bool:
    """Whether this run was of every test, and came to its end."""
    chosen = any(getattr(session.config.option, name, None) for name in CHOOSING)
    everything = session.config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return everything and not (chosen or session.shouldstop or session.shouldfail)
