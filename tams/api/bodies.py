"""Bodies in and out, as bytes."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from tams.errors import Invalid, TooLarge

MAX_BODY = 16 * 1024 * 1024
"""The largest JSON body that is read, in bytes."""


async def read_body(request: Request, most: int = MAX_BODY) -> bytes:
    """The request's body; raises `TooLarge` before more than `most` bytes are kept.

    Raises `Invalid` if the caller goes before its end.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > most:
        raise _too_large(most)
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise _too_large(most)
            chunks.append(chunk)
    except ClientDisconnect:
        raise Invalid("body", size, f"it must have the {declared} bytes that it names") from None
    return b"".join(chunks)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"body: it must be at most {most} bytes; send it in parts")


def json_response(
    body: bytes, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """An answer whose JSON is built already."""
    return Response(body, status, headers, media_type="application/json")


def no_content() -> Response:
    """204, with the content type that every answer of the API has."""
    return Response(status_code=204, media_type="application/json")
