"""Errors as the vendor answers them: a `detail`, which for wrong input says where it is."""

from __future__ import annotations

import json

from fastapi import FastAPI, Request
from fastapi.responses import Response

from tams.api.bodies import json_response
from tams.api.errors import refusal
from tams.api.query import Query
from tams.errors import Invalid, NotFound, TamsError
from tams.wire.vast import refusal_fields


def install(app: FastAPI) -> None:
    """Answer every error of ours in that way."""
    app.add_exception_handler(TamsError, _on_tams_error)


async def _on_tams_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, TamsError):
        raise error
    if isinstance(error, Invalid):
        place = "query" if _is_asked(request, error.field) else "body"
        return json_response(json.dumps(refusal_fields(error, place)).encode(), 422)
    answer = refusal(error, request.url.path)
    detail = f"{error.kind} not found" if isinstance(error, NotFound) else str(error)
    kept = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return Response(json.dumps({"detail": detail}).encode(), answer.status_code, kept)


def _is_asked(request: Request, field: str) -> bool:
    """Whether the query has a parameter of that name, or is such that it cannot be read."""
    try:
        return Query(request.scope["query_string"]).text(field) is not None
    except Invalid:
        return True
