"""Forms, `multipart/form-data` (RFC 7578), read as they come: no part is ever held as a whole."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

from fastapi import Request
from fastapi.routing import APIRoute
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import Scope

from tams.errors import Invalid, TooLarge

MAX_PARTS = 4000
"""How many parts of a form are read; a Segment and its file are two."""

_KIND = b"multipart/form-data"


class FormRoute(APIRoute):
    """A route that is for a POST of a form alone."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As for any route, unless the content type leaves the request to the next one."""
        if scope["type"] == "http" and not (scope["method"] == "POST" and _is_form(scope)):
            return Match.NONE, {}
        return super().matches(scope)


def _is_form(scope: Scope) -> bool:
    given = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    return bool(given.partition(b";")[0].strip().lower() == _KIND)


class _Event(NamedTuple):
    """What the parser met: a part's `headers`, some of its `content`, or its end (neither)."""

    headers: Mapping[str, str] | None = None
    content: bytes | None = None


class _Events:
    """What the parser calls, as a queue; a header comes in pieces."""

    def __init__(self) -> None:
        self.met: deque[_Event] = deque()
        self.is_over = False
        self._headers: dict[str, str] = {}
        self._name = self._value = b""

    def on_part_begin(self) -> None:
        self._headers = {}
        self._name = self._value = b""

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._name = self._value = b""

    def on_headers_finished(self) -> None:
        self.met.append(_Event(headers=self._headers))

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self.met.append(_Event(content=data[start:end]))

    def on_part_end(self) -> None:
        self.met.append(_Event())

    def on_end(self) -> None:
        self.is_over = True


class FormPart:
    """A part, whose `content` can be read once, before the next part is asked for.

    `headers` are by lower-case name.
    """

    def __init__(
        self, name: str, headers: Mapping[str, str], content: AsyncIterator[bytes]
    ) -> None:
        self.name = name
        self.headers = headers
        self.content = content

    async def read(self, most: int) -> bytes:
        """All of it; raises `TooLarge` beyond so many bytes."""
        gathered = bytearray()
        async for chunk in self.content:
            gathered += chunk
            if len(gathered) > most:
                raise TooLarge(f"{self.name}: it may have at most {most} bytes")
        return bytes(gathered)


async def form_parts(request: Request) -> AsyncIterator[FormPart]:
    """The parts of a request's form, in their order; what is not read of one is passed over.

    Raises `Invalid` for what is no form, or ends before it does.
    """
    reader = _FormReader(request)
    number = 0
    while (event := await reader.next_event()) is not None:
        if event.headers is None:
            continue
        number += 1
        if number > MAX_PARTS:
            raise Invalid("body", number, f"a form may have {MAX_PARTS} parts")
        content = reader.content()
        yield FormPart(_name_of(event.headers), event.headers, content)
        async for _ in content:
            pass


class _FormReader:
    """Reads a body no further than somebody asks."""

    def __init__(self, request: Request) -> None:
        _, options = parse_options_header(request.headers["content-type"])
        boundary = options.get(b"boundary", b"")
        if not 0 < len(boundary) <= 70:  # RFC 2046, section 5.1.1
            shown = request.headers["content-type"]
            raise Invalid("Content-Type", shown, "it must name a boundary of 1 to 70 characters")
        self._events = _Events()
        self._stream = request.stream()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._events.on_part_begin,
                "on_header_field": self._events.on_header_field,
                "on_header_value": self._events.on_header_value,
                "on_header_end": self._events.on_header_end,
                "on_headers_finished": self._events.on_headers_finished,
                "on_part_data": self._events.on_part_data,
                "on_part_end": self._events.on_part_end,
                "on_end": self._events.on_end,
            },
        )

    async def next_event(self) -> _Event | None:
        """The next one; None at the end of a whole form."""
        events = self._events
        try:
            while not events.met:
                chunk = await anext(self._stream, None)
                if chunk is None:
                    if events.is_over:
                        return None
                    raise Invalid("body", "its end", "a form must end with its last boundary")
                self._parser.write(chunk)
        except FormParserError as error:
            raise Invalid("body", f"{error}", "it must be a form as RFC 7578 has it") from None
        except ClientDisconnect:
            raise Invalid("body", "its end", "a form must come as a whole") from None
        return events.met.popleft()

    async def content(self) -> AsyncIterator[bytes]:
        """What is left of the part whose headers came last."""
        while (event := await self.next_event()) is not None and event.content is not None:
            yield event.content


def _name_of(headers: Mapping[str, str]) -> str:
    kind, options = parse_options_header(headers.get("content-disposition", ""))
    if kind != b"form-data" or b"name" not in options:
        shown = headers.get("content-disposition")
        raise Invalid("Content-Disposition", shown, "each part of a form must have a name")
    return options[b"name"].decode("utf-8", "replace")
