"""A client on one kept connection, with nothing between it and the socket."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from time import monotonic
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

TIMEOUT_S = 60


class Answer(NamedTuple):
    """Status, headers in lower case, and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Sends one request after another to one server."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """Send a request with a JSON body, or none; `path` may be a whole URL."""
        content = None if body is None else json.dumps(body).encode()
        return self._exchange(method, path, content, {"Content-Type": "application/json"})

    def upload(self, put_url: dict[str, str], chunks: Iterable[bytes], size: int) -> Answer:
        """Send bytes where an allocation says, chunk by chunk."""
        headers = {"Content-Type": put_url["content-type"], "Content-Length": str(size)}
        return self._exchange("PUT", put_url["url"], chunks, headers)

    def close(self) -> None:
        """Let the connection go; the next request opens another."""
        self._connection.close()

    def _exchange(
        self, method: str, path: str, body: bytes | Iterable[bytes] | None, headers: dict[str, str]
    ) -> Answer:
        parts = urlsplit(path)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self._connection.request(method, target, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 500:
            self.close()  # as the server does after an error of its own
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, named, content)


class PatientClient(Client):
    """Repeats a request until there is an answer other than 503: servers may die meanwhile."""

    def _exchange(
        self, method: str, path: str, body: bytes | Iterable[bytes] | None, headers: dict[str, str]
    ) -> Answer:
        """See `Client`; raises `TimeoutError` if there is no such answer for long."""
        end = monotonic() + TIMEOUT_S
        while monotonic() < end:
            with suppress(OSError, HTTPException):
                answer = super()._exchange(method, path, body, headers)
                if answer.status != 503:
                    return answer
            self.close()
        raise TimeoutError(f"{method} {path}")
